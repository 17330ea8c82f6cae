import type { z } from 'zod'
import * as rest from '../src/rest.ts'
import { Problem } from '../src/error.ts'
import { Evidence } from '../src/evidence.ts'
import { jsonSchema } from './json-schema.ts'

type Json = { [key: string]: unknown }
type Operation = {
  summary: string
  path: string
  method: 'get' | 'post' | 'delete'
  body?: z.ZodType
  /** status → schema of the JSON answer; `undefined` where there is no body */
  answers: Record<number, { description: string; schema?: z.ZodType; content?: string }>
  problems: number[]
  parameters?: Json[]
  /** also answered as server-sent events with `Accept: text/event-stream` */
  stream?: string
}

const header = (name: string, description: string): Json => ({ name, in: 'header', required: false, description, schema: { type: 'string' } })
const query = (name: string, description: string, type = 'integer'): Json => ({ name, in: 'query', required: false, description, schema: { type } })

const operations: Operation[] = [
  {
    path: '/v1/sessions',
    method: 'post',
    summary: 'Create a session [SE1]',
    body: rest.SessionCreate,
    answers: { 201: { description: 'Where to connect', schema: rest.SessionCreated } },
    problems: [400, 401, 429],
  },
  {
    path: '/v1/sessions',
    method: 'get',
    summary: 'List the sessions of the tenant',
    parameters: [query('limit', 'at most this many, newest first')],
    answers: { 200: { description: 'Sessions, newest first', schema: rest.SessionList } },
    problems: [401],
  },
  {
    path: '/v1/sessions/{session}',
    method: 'get',
    summary: 'What a session is doing',
    answers: { 200: { description: 'The session', schema: rest.SessionInfo } },
    problems: [401, 404],
  },
  { path: '/v1/sessions/{session}', method: 'delete', summary: 'End a session', answers: { 204: { description: 'Ended' } }, problems: [401, 404] },
  {
    path: '/v1/sessions/{session}/tickets',
    method: 'post',
    summary: 'A new ticket: 60 s, single use [SE1]',
    body: rest.TicketCreate,
    answers: { 201: { description: 'The ticket as WebSocket subprotocols', schema: rest.TicketCreated } },
    problems: [400, 401, 404],
  },
  {
    path: '/v1/sessions/{session}/asks',
    method: 'post',
    summary: 'Ask; the same id never runs twice [AS1] [AS6]',
    body: rest.AskCreate,
    answers: { 200: { description: 'The whole answer with its evidence', schema: rest.AskResult } },
    problems: [400, 401, 404, 409, 429, 503],
    stream: 'the events of the ask, each with its seq as id',
  },
  {
    path: '/v1/sessions/{session}/asks/{ask}',
    method: 'delete',
    summary: 'Cancel an ask [AS4]',
    parameters: [{ name: 'ask', in: 'path', required: true, schema: { type: 'string' } }],
    answers: { 204: { description: 'Cancelled, or over already' } },
    problems: [401, 404],
  },
  {
    path: '/v1/sessions/{session}/turns',
    method: 'post',
    summary: 'Run an agent turn at the edge',
    body: rest.TurnCreate,
    answers: { 200: { description: 'What the agent said, and the evidence it used', schema: rest.TurnResult } },
    problems: [400, 401, 404, 409, 503],
    stream: 'the events of the turn and its tools',
  },
  {
    path: '/v1/sessions/{session}/workflows',
    method: 'post',
    summary: 'Run a workflow at the edge',
    body: rest.WorkflowCreate,
    answers: { 200: { description: 'What each step found', schema: rest.WorkflowResult } },
    problems: [400, 401, 404, 409, 503],
    stream: 'the events of the run',
  },
  {
    path: '/v1/sessions/{session}/events',
    method: 'get',
    summary: 'The event log as server-sent events, then live [EV3]',
    parameters: [header('Last-Event-ID', 'seq after which to start')],
    answers: { 200: { description: 'One event a message, `id` = seq', content: 'text/event-stream' } },
    problems: [401, 404],
  },
  {
    path: '/v1/sessions/{session}/evidence/{evidence}',
    method: 'get',
    summary: 'One evidence by id [PE4]',
    parameters: [{ name: 'evidence', in: 'path', required: true, schema: { type: 'string' } }],
    answers: { 200: { description: 'The evidence', schema: Evidence } },
    problems: [401, 404],
  },
  {
    path: '/v1/sessions/{session}/evidence/{evidence}.png',
    method: 'get',
    summary: 'The evidence drawn over its frame, while the frame is kept [PE4]',
    parameters: [{ name: 'evidence', in: 'path', required: true, schema: { type: 'string' } }],
    answers: { 200: { description: 'A picture', content: 'image/png' } },
    problems: [401, 404],
  },
  {
    path: '/v1/usage',
    method: 'get',
    summary: 'What the tenant has used',
    answers: { 200: { description: 'Totals', schema: rest.UsageReport } },
    problems: [401],
  },
]

/** The REST doors as OpenAPI 3.1. */
export function openapi(): Json {
  const schemas: Json = {}
  const reference = (schema: z.ZodType): Json => {
    const { $schema: _, $defs, id, ...own } = jsonSchema(schema)
    for (const [name, definition] of Object.entries($defs ?? {})) schemas[name] = typeof definition === 'object' ? moved(definition) : definition
    if (!id) return moved(own)
    schemas[id] = moved(own)
    return { $ref: `#/components/schemas/${id}` }
  }
  const paths: Record<string, Json> = {}
  for (const { path, method, summary, body, answers, problems, parameters = [], stream } of operations) {
    const session = path.includes('{session}') ? [{ name: 'session', in: 'path', required: true, schema: { type: 'string' } }] : []
    const responses: Json = {}
    for (const [status, { description, schema, content = 'application/json' }] of Object.entries(answers)) {
      const json = schema
        ? { [content]: { schema: reference(schema) } }
        : content === 'application/json'
          ? undefined
          : { [content]: { schema: { type: 'string' } } }
      const events = stream ? { 'text/event-stream': { schema: { type: 'string', description: stream } } } : {}
      responses[status] = { description, ...(json ? { content: { ...json, ...events } } : {}) }
    }
    for (const status of problems) responses[status] = { description: 'Refused', content: { 'application/problem+json': { schema: reference(Problem) } } }
    paths[path] = {
      ...paths[path],
      [method]: {
        operationId: operationId(method, path),
        summary,
        ...(session.length + parameters.length > 0 ? { parameters: [...session, ...parameters] } : {}),
        ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: reference(body) } } } } : {}),
        responses,
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Fovea', version: '1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ key: [] }],
    paths,
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key' } }, schemas },
  }
}

function operationId(method: string, path: string): string {
  const words = path
    .split('/')
    .slice(2)
    .flatMap((part) => (part.startsWith('{') ? (part.endsWith('.png') ? ['picture'] : ['one']) : [part]))
  return [method, ...words].map((word, index) => (index ? word.charAt(0).toUpperCase() + word.slice(1) : word)).join('')
}

/** The same schema with its references moved from `$defs` to the components of the document. */
function moved(schema: object): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/$defs/', '#/components/schemas/'))
}
