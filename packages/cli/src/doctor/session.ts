import { ProtocolError } from '@fovea/protocol'
import type { Evidence } from '@fovea/protocol'
import { openSession } from '@fovea/sdk'
import type { OutStream, Session } from '@fovea/sdk'
import sharp from 'sharp'
import { describeEvidence } from '../describe-evidence.ts'
import type { System } from '../system.ts'
import type { Step } from './check.ts'

const QUERY = 'red ball'
const FRAMES = 4

/** Every hop of a session, in the order a program meets them: each step leans on the ones before it. */
export function sessionSteps(system: () => System): Step[] {
  let session: Session | undefined
  let stream: OutStream | undefined
  const open = () => {
    if (session) return session
    throw new Error('no session: see the step before')
  }
  const head = (task: 'region' | 'mask' | 'moment', look: (session: Session) => Promise<Evidence>): Step => ({
    name: `ask with the ${task} head`,
    needs: 'frame',
    run: async () => {
      const tasks = open().model?.tasks ?? []
      if (!tasks.includes(task)) return `this model has no ${task} head`
      return describeEvidence(await look(open()))
    },
  })
  return [
    { name: 'edge', needs: 'start', run: () => edgeAnswers(system()) },
    {
      name: 'session',
      needs: 'edge',
      run: async () => {
        session = await openSession({ url: system().url, key: system().key, name: 'fovea doctor' })
        return `${session.id}, state ${session.state}`
      },
    },
    {
      name: 'frame',
      needs: 'session',
      run: async () => {
        stream = open().openStream({ policy: 'all', name: 'doctor' })
        const results = open().results()
        for (let index = 0; index < FRAMES; index++)
          await stream.put({ data: await ball(index), codec: 'jpeg', width: 320, height: 240, mediaTime: index * 250 })
        await stream.drained()
        const { value } = await results.next()
        await results.return()
        if (value?.type !== 'frame-seen') throw new Error(`the first frame was not seen: ${JSON.stringify(value)}`)
        const { queue, decode, encode } = value.timings
        return `seen ${value.captureAgeMs.toFixed(0)} ms after capture (queue ${queue.toFixed(0)}, decode ${decode.toFixed(0)}, encode ${encode.toFixed(0)} ms)`
      },
    },
    {
      name: 'model',
      needs: 'frame',
      run: async () => {
        const { model } = open()
        if (!model) throw new Error('no backend has attached: is the inference service running, and does it hold the backend key?')
        return `${model.name}, hash ${model.hash.slice(0, 12)}, tasks ${model.tasks.join(', ')}`
      },
    },
    {
      name: 'ask in words',
      needs: 'frame',
      run: async () => {
        const { text, finish, usage, error } = await open().ask(`is there a ${QUERY}?`)
        if (error) throw new ProtocolError(error.code, error.message, error)
        return `"${text}" (${finish}), first word after ${usage.firstWordMs?.toFixed(0) ?? '?'} ms`
      },
    },
    head('region', (one) => one.locate(QUERY)),
    head('mask', (one) => one.segment(QUERY)),
    head('moment', (one) => one.findMoment(QUERY, { at: { from: 0, to: (FRAMES - 1) * 250 } })),
    { name: 'resume', needs: 'frame', run: () => resumes(open()) },
    {
      name: 'close',
      needs: 'session',
      run: async () => {
        await open().close()
        return 'the session has ended'
      },
    },
  ]
}

async function edgeAnswers({ url }: System): Promise<string> {
  const response = await fetch(new URL('/healthz', url)).catch(() => undefined)
  if (!response?.ok) throw new Error(`${url} does not answer${response ? ` (status ${response.status})` : ''}; is it running?`)
  return `${url} answers`
}

/** Drops the socket in the middle of an ask: the answer must come all the same, with every event once. */
async function resumes(session: Session): Promise<string> {
  const seqs: number[] = []
  const off = session.on('message', (message) => 'at' in message && seqs.push(message.seq))
  const answer = session.ask(`is there a ${QUERY}?`)
  session.dropConnection()
  const { finish } = await answer
  off()
  const gaps = seqs.filter((seq, index) => index > 0 && seq !== (seqs[index - 1] ?? 0) + 1)
  if (gaps.length > 0) throw new Error(`events were lost or repeated around ${gaps.join(', ')}`)
  return `the socket was dropped; the ask ended (${finish}), ${seqs.length} events without a gap`
}

async function ball(index: number): Promise<Buffer> {
  const x = 80 + index * 40
  return sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="320" height="240" fill="#dfe6ee"/><circle cx="${x}" cy="120" r="40" fill="#d7263d"/></svg>`,
    ),
  )
    .jpeg()
    .toBuffer()
}
