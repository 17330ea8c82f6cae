import type { LanguageModel, Step } from '../model/vision-model.ts'
import { FairQueue } from './fair-queue.ts'
import type { Lane } from './lanes.ts'
import { SlotFull, type Opening, type Talk, type Wish } from './talk.ts'

/** `parts`: its prompt is on its way into the slot, to which nothing else is fed until it is there. */
type Running = { talk: Talk; slot: number; feed: readonly number[]; parts?: AsyncGenerator<void, Step> }
export class Late extends Error {}

/**
 * The language model's lane: iteration-level batches over fixed slots. Each turn is one decoder run for the talks that are ready and one part of a
 * prompt, so that a long prompt does not silence those who speak; a talk that ends gives its slot to the next at once. Sessions whose prompts go in take
 * turns, and so do they and who waits for a slot: a talk of many prompts keeps nobody out.
 */
export class DecodeLane implements Lane {
  readonly name = 'decode'
  readonly #language: LanguageModel
  readonly #queue: FairQueue<Talk>
  readonly #running: Running[] = []
  /** sessions by when a part of a prompt of theirs went in, the latest last */
  readonly #served = new Set<string>()
  /** whether the last part was the first of a talk that was let in */
  #admitted = false
  readonly #clock: () => number

  constructor(language: LanguageModel, limits: { total: number; perSession: number }, clock: () => number) {
    this.#language = language
    this.#clock = clock
    this.#queue = new FairQueue(limits)
  }

  get waiting(): number {
    return this.#queue.size
  }

  get running(): number {
    return this.#running.length
  }

  /** False where too many wait already. */
  submit(talk: Talk): boolean {
    return this.#queue.push(talk)
  }

  readyAt(): number {
    return this.#running.length > 0 || this.#queue.size > 0 ? 0 : Infinity
  }

  async turn(now: number): Promise<void> {
    for (const running of this.#running.filter(({ talk }) => talk.over)) this.#end(running)
    // Who waits for a slot that does not come is not kept waiting beyond its deadline.
    for (const talk of this.#queue.remove((waiting) => waiting.over)) talk.closed?.()
    await this.#step()
    const filling = this.#nextFilling()
    const hasRoom = this.#queue.size > 0 && this.#running.length < this.#language.slots
    this.#admitted = hasRoom && !(filling && this.#admitted)
    if (this.#admitted) await this.#admit(now)
    else if (filling) await this.#fill(filling)
  }

  /** Of the prompts on their way, one of the session that has waited longest; within a session, in order. */
  #nextFilling(): Running | undefined {
    const filling = this.#running.filter(({ parts }) => parts)
    const session = [...this.#served].find((served) => filling.some(({ talk }) => talk.session === served))
    return filling.find(({ talk }) => talk.session === session)
  }

  /** One decoder run: all talks that feed as many ids as the one that has waited longest. */
  async #step(): Promise<void> {
    const speaking = this.#running.filter(({ parts }) => !parts)
    const first = speaking[0]
    if (!first) return
    const rows = speaking.filter(({ feed }) => feed.length === first.feed.length)
    // Whoever took part goes to the back, so that talks with other numbers of ids have their turn.
    this.#running.splice(0, this.#running.length, ...this.#running.filter((running) => !rows.includes(running)), ...rows)
    const fits = rows.filter((running) => {
      const room = this.#language.room(running.slot)
      if (room >= running.feed.length) return true
      running.talk.fail(new SlotFull(running.feed.length, room))
      this.#end(running)
      return false
    })
    if (fits.length === 0) return
    const start = this.#clock()
    const steps = await this.#language.feed(fits.map(({ slot, feed }) => ({ slot, ids: feed }))).catch((error: unknown) => {
      for (const running of fits) {
        running.talk.fail(error)
        this.#end(running)
      }
      return []
    })
    const share = (this.#clock() - start) / fits.length
    for (const [index, running] of fits.entries()) {
      running.talk.took?.(share)
      const step = steps[index]
      if (step) await this.#hear(running, step)
    }
  }

  async #admit(now: number): Promise<void> {
    const { jobs, late } = this.#queue.take(now, { max: 1 })
    for (const talk of late) {
      talk.fail(new Late())
      talk.closed?.()
    }
    const talk = jobs[0]
    if (!talk) return
    const slot = talk.over ? undefined : this.#language.acquire()
    if (slot === undefined) {
      talk.closed?.()
      return
    }
    const running: Running = { talk, slot, feed: [] }
    this.#running.push(running)
    try {
      this.#open(running, await talk.open())
    } catch (error) {
      talk.fail(error)
      return this.#end(running)
    }
    await this.#fill(running)
  }

  #open(running: Running, { window, text, boxes }: Opening): void {
    running.parts = this.#language.prefillInParts(running.slot, window, text, boxes)
  }

  /** The next part of a prompt; after the last one the answer begins. */
  async #fill(running: Running): Promise<void> {
    this.#served.delete(running.talk.session)
    this.#served.add(running.talk.session)
    try {
      const start = this.#clock()
      const part = await running.parts?.next()
      running.talk.took?.(this.#clock() - start)
      if (!part?.done) return
      running.parts = undefined
      await this.#hear(running, part.value)
    } catch (error) {
      running.talk.fail(error)
      this.#end(running)
    }
  }

  async #hear(running: Running, step: Step): Promise<void> {
    const { talk, slot } = running
    let wish: Wish = 'end'
    try {
      if (!talk.over) wish = await talk.hear(step, this.#language.length(slot))
    } catch (error) {
      talk.fail(error)
    }
    if (wish === 'end') return this.#end(running)
    if ('window' in wish) return this.#open(running, wish)
    if (wish.rewindTo !== undefined) this.#language.rewind(slot, wish.rewindTo)
    running.feed = wish.feed
  }

  #end(running: Running): void {
    const at = this.#running.indexOf(running)
    if (at < 0) return
    this.#running.splice(at, 1)
    if (!this.#running.some(({ talk }) => talk.session === running.talk.session)) this.#served.delete(running.talk.session)
    this.#language.release(running.slot)
    running.talk.closed?.()
  }
}
