import { BINARY_VERSION, encodePicture, encodeVerdict, KIND, readFrameHeader, ToBackend, ToPoolMember } from '@fovea/protocol'
import type { AskBody, Evidence, FrameHeader, FromBackend, FromPoolMember, ModelInfo } from '@fovea/protocol'

/** A socket as the backend sees it: workerd's client half, Node's `ws`, a browser's. */
export interface BackendSocket {
  send(message: string | ArrayBuffer | ArrayBufferView): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'message', listener: (event: { data: string | ArrayBuffer }) => void): void
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void
}

/** What a script may decide; all of it optional. */
export type Script = {
  name?: string
  capacity?: number
  window?: number
  /** refuses every assignment with this reason */
  refuses?: string
  /** answers an assignment, but never dials in */
  deaf?: boolean
  /** verdict of a frame: perceptions by default none; `null` gives no verdict */
  verdict?: (header: FrameHeader) => { drop: 'stale' | 'undecodable' } | 'seen' | null
  /** answers an ask; by default "I see it." with one region */
  answer?: (ask: AskBody, session: ScriptedSession) => void
  picture?: Uint8Array
}

export const SCRIPTED_MODEL: ModelInfo = { name: 'scripted', hash: 'sha256:0', tasks: ['region', 'mask', 'moment'], imageSize: [64, 64] }

/** The backend's end of one session socket. */
export class ScriptedSession {
  readonly frames: FrameHeader[] = []
  readonly messages: ToBackend[] = []
  closedWith: number | undefined
  readonly #socket: BackendSocket
  readonly #script: Script
  #epoch = 0

  constructor(socket: BackendSocket, script: Script) {
    this.#socket = socket
    this.#script = script
    socket.addEventListener('message', ({ data }) => (typeof data === 'string' ? this.#hear(ToBackend.parse(JSON.parse(data))) : this.#see(data)))
    socket.addEventListener('close', ({ code }) => {
      this.closedWith = code
    })
  }

  get epoch(): number {
    return this.#epoch
  }

  say(message: FromBackend): void {
    this.#socket.send(JSON.stringify(message))
  }

  seen(header: FrameHeader, epoch = this.#epoch): void {
    const { stream, frame, mediaTime, receivedAt } = header
    const json = JSON.stringify({
      type: 'frame-seen',
      stream,
      frame,
      mediaTime,
      receivedAt,
      timings: { queue: 0, decode: 0, encode: 0, heads: 0 },
      perceptions: [],
    })
    this.#socket.send(encodeVerdict({ outcome: 'seen', stream, frame, epoch }, json))
  }

  dropped({ stream, frame }: FrameHeader, reason: 'stale' | 'undecodable'): void {
    this.#socket.send(
      encodeVerdict({ outcome: 'dropped', stream, frame, epoch: this.#epoch }, JSON.stringify({ type: 'frame-dropped', stream, frame, reason })),
    )
  }

  /** A whole answer: words, one region, the end. */
  answer({ ask, text }: AskBody, words = 'I see it.'): void {
    const evidence = region(`ev_${ask.replaceAll(/[^0-9A-Za-z]/g, '').padEnd(10, '0')}`, text, this.frames.at(-1))
    this.say({ type: 'answer-delta', ask, text: words })
    this.say({ type: 'head-started', ask, evidence: evidence.id, task: 'region', token: '<region>', query: text })
    this.say({ type: 'head-result', ask, evidence })
    this.say({ type: 'answer-ended', ask, finish: 'stop', text: words, usage: { promptTokens: 4, answerTokens: 3, heads: 1, deviceMs: 2, totalMs: 5 } })
  }

  close(code = 1000): void {
    this.#socket.close(code, 'scripted')
  }

  #hear(message: ToBackend): void {
    this.messages.push(message)
    switch (message.type) {
      case 'session-open':
        this.#epoch = message.epoch
        this.say({ type: 'session-attached', epoch: message.epoch, window: this.#script.window ?? 2, model: SCRIPTED_MODEL })
        for (const watch of message.watches) this.say({ type: 'watch-started', ...watch, standing: true })
        return
      case 'ask-start': {
        const { type: _, ...ask } = message
        if (this.#script.answer) this.#script.answer(ask, this)
        else this.answer(ask)
        return
      }
      case 'ask-cancel':
        return this.say({
          type: 'answer-ended',
          ask: message.ask,
          finish: 'cancelled',
          text: '',
          usage: { promptTokens: 0, answerTokens: 0, heads: 0, deviceMs: 0, totalMs: 0 },
        })
      case 'watch-start': {
        const { type: _, ...watch } = message
        return this.say({ type: 'watch-started', ...watch, standing: true })
      }
      case 'picture-get':
        if (this.#script.picture)
          this.#socket.send(encodePicture({ frame: message.frame, stream: message.stream, request: message.request }, this.#script.picture))
        else this.say({ type: 'error', code: 'frame-gone', message: `Frame ${message.frame} is no longer kept.`, retryable: false, of: message.request })
        return
      default:
        return
    }
  }

  #see(data: ArrayBuffer): void {
    const header = readFrameHeader(data)
    if ('problem' in header) throw new Error(header.problem)
    this.frames.push(header)
    const verdict = this.#script.verdict ? this.#script.verdict(header) : 'seen'
    if (verdict === 'seen') this.seen(header)
    else if (verdict) this.dropped(header, verdict.drop)
  }
}

/**
 * The backend side of the protocol without a model: says `hello`, dials every session it is assigned, gives each frame a verdict
 * and each ask an answer, as its script says.
 *
 *   const backend = await ScriptedBackend.start({ dialPool, dial })
 *   backend.sessions.get(id)?.frames
 */
export class ScriptedBackend {
  readonly sessions = new Map<string, ScriptedSession>()
  readonly assigned: { session: string; epoch: number }[] = []
  readonly script: Script
  readonly #control: BackendSocket
  #dead = false
  readonly #dial: (url: string, ticket: string) => Promise<BackendSocket>

  constructor(control: BackendSocket, dial: (url: string, ticket: string) => Promise<BackendSocket>, script: Script) {
    this.script = script
    this.#control = control
    this.#dial = dial
    control.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') void this.#assigned(ToPoolMember.parse(JSON.parse(data)))
    })
  }

  static async start({
    control,
    dial,
    script = {},
  }: {
    control: Promise<BackendSocket>
    dial: (url: string, ticket: string) => Promise<BackendSocket>
    script?: Script
  }): Promise<ScriptedBackend> {
    const backend = new ScriptedBackend(await control, dial, script)
    backend.hello()
    return backend
  }

  hello(): void {
    this.#say({ type: 'hello', backend: this.script.name ?? 'scripted-1', models: [SCRIPTED_MODEL], capacity: this.script.capacity ?? 1000 })
    this.#say({ type: 'load', sessions: this.sessions.size, deviceMs: 0, oldestMs: 0, modelThread: 'ready' })
  }

  /** Its process dies: every socket closes at once. */
  die(): void {
    this.#dead = true
    for (const session of this.sessions.values()) session.close(1011)
    this.sessions.clear()
    this.#control.close(1011, 'scripted death')
  }

  #say(message: FromPoolMember): void {
    this.#control.send(JSON.stringify(message))
  }

  async #assigned({ session, epoch, url, ticket }: ToPoolMember): Promise<void> {
    this.assigned.push({ session, epoch })
    if (this.#dead) return
    if (this.script.refuses !== undefined) return this.#say({ type: 'refused', session, epoch, because: this.script.refuses })
    if (this.script.deaf) return
    const socket = await this.#dial(url, ticket)
    if (this.#dead) return socket.close(1011, 'scripted death')
    this.sessions.set(session, new ScriptedSession(socket, this.script))
  }
}

export function region(id: string, query: string, header: FrameHeader | undefined): Evidence {
  return {
    id,
    version: 1,
    task: 'region',
    token: '<region>',
    query,
    score: 0.9,
    stream: header?.stream ?? 0,
    frame: header?.frame ?? 1,
    mediaTime: header?.mediaTime ?? 0,
    receivedAt: header?.receivedAt ?? 0,
    regions: [{ box: [0.1, 0.1, 0.5, 0.5], score: 0.9 }],
    model: { bundle: SCRIPTED_MODEL.name, hash: SCRIPTED_MODEL.hash, head: 'region' },
  }
}

/** Smallest binary messages that are not frames, for tests of bad input. */
export const NOT_FRAMES: Record<string, Uint8Array> = {
  'an empty message': new Uint8Array(0),
  'a truncated header': new Uint8Array([0xf0, BINARY_VERSION, KIND.frame, 1]),
  'another magic': new Uint8Array(48).fill(1),
  'a verdict': new Uint8Array([0xf0, BINARY_VERSION, KIND.verdict, ...new Uint8Array(45)]),
}
