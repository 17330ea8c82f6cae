import { ProtocolError } from '@fovea/protocol'
import type { Sending, Session } from '@fovea/sdk'
import { Gate, gated } from './gated.ts'
import type { Recording } from './recording.ts'

/**
 * A recording that is sent as a run needs it: its lead-in, then what a step follows or waits for. Its stream stays open for as long as
 * steps may look at it; it is closed only where the recording is over and a step follows in it, because that step ends with its stream.
 */
export class HeldRecording {
  /** resolves when the lead-in is sent and a frame of it was seen; rejects where none can be */
  readonly led: Promise<void>
  readonly #gate = new Gate()
  readonly #sending: Sending
  #isOver = false
  #following = false
  #ranOut = false

  constructor(session: Session, { source }: Recording, leadMs: number) {
    const results = session.results()
    const sending = session.send(gated(source, this.#gate, { leadMs }))
    this.#sending = sending
    const over = sending.done.then(() => {
      this.#isOver = true
      this.#closeWhereOver()
      return results.return()
    })
    const seen = (async () => {
      for await (const { stream, type } of results) if (stream === sending.stream && type !== 'frame-dropped') return
      throw new ProtocolError('no-frame', `No frame of ${source.name ?? 'this recording'} was seen: its pictures could not be decoded.`)
    })()
    this.led = Promise.race([Promise.all([this.#gate.led, seen]).then(() => {}), over.then(() => seen)])
    // What goes wrong later on is the run's to tell.
    for (const promise of [over, seen, this.led]) promise.catch(() => {})
  }

  /** True where the recording was over before the step that followed in it. */
  get ranOut(): boolean {
    return this.#ranOut
  }

  /** A step looks at the present, which stands still. */
  hold(): void {
    this.#following = false
    this.#gate.set(false)
  }

  flow(): void {
    this.#gate.set(true)
  }

  /** A track has been started: it sees what flows from here on. */
  follow(): void {
    this.#following = true
    this.flow()
    this.#closeWhereOver()
  }

  #closeWhereOver(): void {
    if (!this.#isOver || !this.#following || this.#ranOut) return
    this.#ranOut = true
    this.#sending.close()
  }
}
