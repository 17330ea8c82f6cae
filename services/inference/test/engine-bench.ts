import { DEFAULT_LIMITS, type FrameDropped, type FrameSeen, type FromBackend, type Limits, type StreamBody } from '@fovea/protocol'
import { Engine } from '../src/engine.ts'
import { sleepUntilWoken } from '../src/lanes/sleep.ts'
import { DEFAULT_ENGINE, type EngineLimits, type FromModelThread, type ToModelThread } from '../src/thread-message.ts'
import { ScriptedModel } from './scripted-model.ts'

type Verdict = FrameSeen | FrameDropped
type Rgb = readonly [red: number, green: number, blue: number]

/** An engine on a bench: a scripted model, no threads, pictures by their colour, every message remembered. */
export class EngineBench {
  readonly model: ScriptedModel
  readonly engine: Engine
  readonly sent: FromModelThread[] = []
  readonly errors: unknown[] = []
  now = 1000
  readonly #pictures = new Map<string, Uint8Array>()
  readonly #slots: Uint8Array[] = []
  readonly #waiting: (() => void)[] = []

  constructor({ model = new ScriptedModel(), limits = {} }: { model?: ScriptedModel; limits?: Partial<EngineLimits> } = {}) {
    this.model = model
    this.engine = new Engine({
      model,
      limits: { ...DEFAULT_ENGINE, ...limits },
      clock: () => this.now,
      sleep: sleepUntilWoken,
      onError: (_lane, error) => this.errors.push(error),
      pixelsOf: (slot) => this.#slots[slot] ?? new Uint8Array(0),
      fetchPixels: async (session, stream, frame, use) => {
        const picture = this.#pictures.get(`${session}/${stream}/${frame}`)
        return picture && use(picture)
      },
      send: (message) => {
        this.sent.push(message)
        if (message.type === 'verdict') for (const gone of message.gone) this.#pictures.delete(`${message.session}/${message.stream}/${gone}`)
        for (const resume of this.#waiting.splice(0)) resume()
      },
    })
  }

  open(session = 's', { streams = [{ stream: 1, policy: 'all' }], limits = {} }: { streams?: StreamBody[]; limits?: Partial<Limits> } = {}): void {
    this.engine.handle({ type: 'session-open', session, limits: { ...DEFAULT_LIMITS, ...limits } })
    for (const body of streams) this.engine.handle({ type: 'stream-open', session, body })
  }

  /** Sends a frame of one colour. */
  frame(
    frame: number,
    colour: Rgb,
    {
      session = 's',
      stream = 1,
      mediaTime = frame * 100,
      keep = false,
      arrivedAt = this.now,
    }: { session?: string; stream?: number; mediaTime?: number; keep?: boolean; arrivedAt?: number } = {},
  ): void {
    const picture = Uint8Array.from({ length: 8 * 8 * 3 }, (_, index) => colour[index % 3] ?? 0)
    this.#pictures.set(`${session}/${stream}/${frame}`, picture)
    const slot = this.#slots.push(picture) - 1
    this.engine.handle({
      type: 'frame',
      session,
      frame: { stream, frame, mediaTime, receivedAt: 5000 + frame, keep, width: 64, height: 48, bytes: 1000, arrivedAt, decodeMs: 1, slot },
    })
  }

  tell(message: Exclude<ToModelThread, { type: 'pixels' | 'picture' }>): void {
    this.engine.handle(message)
  }

  verdicts(session = 's'): Verdict[] {
    return this.sent.flatMap((message) => (message.type === 'verdict' && message.session === session ? [JSON.parse(message.json) as Verdict] : []))
  }

  said(session = 's'): FromBackend[] {
    return this.sent.flatMap((message) => (message.type === 'say' && message.session === session ? [message.message] : []))
  }

  /** Resolves when `condition` holds; checked after every message. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async verdict(frame: number, session = 's'): Promise<Verdict> {
    const find = (): Verdict | undefined => this.verdicts(session).find((verdict) => verdict.frame === frame)
    await this.until(() => find() !== undefined)
    const found = find()
    if (!found) throw new Error('It was just there.')
    return found
  }

  /** Asks and waits for the end. */
  async ask(
    ask: string,
    text: string,
    rest: {
      at?: 'now' | { frame: number } | { from: number; to: number }
      tasks?: ('region' | 'mask' | 'moment')[]
      deadlineMs?: number
      stream?: number
      session?: string
    } = {},
  ): Promise<FromBackend[]> {
    const { session = 's', ...body } = rest
    this.tell({ type: 'ask', session, body: { ask, text, ...body }, arrivedAt: this.now })
    return this.answer(ask, session)
  }

  async answer(ask: string, session = 's'): Promise<FromBackend[]> {
    const told = (): FromBackend[] => this.said(session).filter((message) => 'ask' in message && message.ask === ask)
    await this.until(() => told().some((message) => message.type === 'answer-ended'))
    return told()
  }
}
