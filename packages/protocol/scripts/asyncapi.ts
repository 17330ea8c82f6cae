import { messageExamples } from './examples/messages.ts'
import { families, type Family } from './json-schema.ts'

type Json = { [key: string]: unknown }
type Channel = { address: string; title: string; description: string; says: [Family, ...string[]]; hears: [Family, ...string[]] }

const frames = 'frame: a 40-byte little-endian header, then the picture [WI3]'
const verdicts = 'verdict: a 16-byte little-endian header, then frame-seen or frame-dropped as JSON [WI4]'
const pictures = 'picture: a 16-byte little-endian header, the request id, then JPEG or PNG bytes [WI4]'

/** The sockets, seen from the edge: what it hears and what it says; text by schema, binary by name. */
const channels: Record<string, Channel> = {
  session: {
    address: '/v1/sessions/{session}/ws',
    title: 'A client of a session',
    description: 'Subprotocols fovea.v1 and ticket.<jwt>. The first message of the client is session-resume [WI1] [WI5].',
    hears: ['client-message', frames],
    says: ['edge-message', pictures],
  },
  backend: {
    address: '/internal/sessions/{session}/attach',
    title: 'The backend of a session',
    description: 'Dialled by the backend with the ticket of its assignment, which carries the epoch [EP1].',
    hears: ['from-backend', verdicts, pictures],
    says: ['to-backend', frames],
  },
  pool: {
    address: '/internal/pool',
    title: 'The control socket of a backend',
    description: 'Dialled by the backend with its key.',
    hears: ['from-pool-member'],
    says: ['to-pool-member'],
  },
}

/** The sockets as AsyncAPI 3.0; payload schemas are the files beside it. */
export function asyncapi(): Json {
  const messages: Json = {}
  const add = (family: Family): string => {
    const examples = family in messageExamples ? Object.entries(messageExamples).find(([name]) => name === family)?.[1] : undefined
    messages[family] = {
      title: families[family][1],
      contentType: 'application/json',
      payload: { schemaFormat: 'application/schema+json;version=draft-2020-12', schema: { $ref: `./${family}.json` } },
      ...(examples?.[0] ? { examples: [{ payload: examples[0] }] } : {}),
    }
    return family
  }
  const addBinary = (text: string): string => {
    const [name = text, description = ''] = text.split(': ')
    messages[name] = { title: name, contentType: 'application/octet-stream', description, payload: { type: 'string', format: 'binary' } }
    return name
  }
  const operations: Json = {}
  const described: Json = {}
  for (const [channel, { address, title, description, says, hears }] of Object.entries(channels)) {
    const names = (list: Channel['says']) => list.map((entry) => (isFamily(entry) ? add(entry) : addBinary(entry)))
    const [heard, said] = [names(hears), names(says)]
    described[channel] = {
      address,
      title,
      description,
      ...(address.includes('{session}') ? { parameters: { session: { description: 'the session id' } } } : {}),
      messages: Object.fromEntries([...heard, ...said].map((name) => [name, { $ref: `#/components/messages/${name}` }])),
      bindings: { ws: { bindingVersion: '0.1.0', method: 'GET' } },
    }
    const operation = (action: 'receive' | 'send', list: string[]) => ({
      action,
      channel: { $ref: `#/channels/${channel}` },
      messages: list.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
    })
    operations[`${channel}-hears`] = operation('receive', heard)
    operations[`${channel}-says`] = operation('send', said)
  }
  return {
    asyncapi: '3.0.0',
    info: { title: 'Fovea sockets', version: '1', license: { name: 'Apache-2.0' }, description: 'The rules behind the messages: docs/spec.md.' },
    defaultContentType: 'application/json',
    channels: described,
    operations,
    components: { messages },
  }
}

function isFamily(name: string): name is Family {
  return name in families
}
