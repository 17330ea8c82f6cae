import { expect, test } from 'vitest'
import { ScriptedLanguage } from '../../test/scripted-model.ts'
import { floats } from '../model/tensor.ts'
import type { Step } from '../model/vision-model.ts'
import { DecodeLane, Late } from './decode-lane.ts'
import type { Talk, Wish } from './talk.ts'

const window = { visual: floats(new Float32Array(3), [1, 1, 1, 3]), times: floats(new Float32Array(1), [1, 1]), mediaTimes: [0] }

class Saying implements Talk {
  readonly session: string
  readonly cost = 1
  readonly deadline: number | undefined
  readonly heard: number[] = []
  over = false
  failed: unknown
  isClosed = false
  readonly #text: string
  readonly #eos: number

  constructor(session: string, text: string, { eos, deadline }: { eos: number; deadline?: number }) {
    this.session = session
    this.deadline = deadline
    this.#text = text
    this.#eos = eos
  }

  async open() {
    return { window, text: this.#text }
  }

  async hear({ next }: Step): Promise<Wish> {
    if (next === this.#eos) return 'end'
    this.heard.push(next)
    return { feed: [next] }
  }

  fail(error: unknown): void {
    this.failed = error
  }

  closed(): void {
    this.isClosed = true
  }
}

/** Looks at many windows, each a prompt of its own, one after the other. */
class Surveying extends Saying {
  opened = 1
  readonly #windows: number

  constructor(session: string, windows: number, options: { eos: number }) {
    super(session, 'seen', options)
    this.#windows = windows
  }

  override async hear(): Promise<Wish> {
    return this.opened++ < this.#windows ? { window, text: 'seen' } : 'end'
  }
}

function lane({ slots = 2, total = 10 } = {}) {
  const language = new ScriptedLanguage({ script: (text) => text, slots, maxNewTokens: 100 })
  const decode = new DecodeLane(language, { total, perSession: total }, () => 0)
  const run = async (turns = 100): Promise<void> => {
    for (let turn = 0; turn < turns && decode.readyAt() === 0; turn++) await decode.turn(0)
  }
  return { language, decode, run }
}

test('talks of several sessions share decoder runs; each hears its own words', async () => {
  const { language, decode, run } = lane({ slots: 3 })
  const talks = [new Saying('a', 'one two three four', language), new Saying('b', 'five six seven', language), new Saying('c', 'eight', language)]
  for (const talk of talks) expect(decode.submit(talk)).toBe(true)
  await run()
  expect(talks.map((talk) => language.text(talk.heard))).toEqual(['one two three four', 'five six seven', 'eight'])
  expect(Math.max(...language.batches)).toBeGreaterThan(1)
  expect([language.inUse, talks.every((talk) => talk.isClosed)]).toEqual([0, true])
})

test('more talks than slots wait their turn, and none is lost', async () => {
  const { language, decode, run } = lane({ slots: 2 })
  const talks = Array.from({ length: 7 }, (_, index) => new Saying(`s${index}`, `word${index} again`, language))
  for (const talk of talks) decode.submit(talk)
  await run()
  expect(talks.every((talk) => talk.heard.length === 2 && talk.isClosed)).toBe(true)
  expect(language.inUse).toBe(0)
})

test('[AS4] a talk that is over stops within one step and gives its slot back', async () => {
  const { language, decode } = lane()
  const talk = new Saying('a', 'a b c d e f g', language)
  decode.submit(talk)
  await decode.turn(0)
  await decode.turn(0)
  const heard = talk.heard.length
  talk.over = true
  await decode.turn(0)
  expect([talk.heard.length, language.inUse, talk.isClosed]).toEqual([heard, 0, true])
})

test('a deadline that has passed before its turn is told, and costs no slot', async () => {
  const { language, decode } = lane()
  const talk = new Saying('a', 'x', { eos: language.eos, deadline: 5 })
  decode.submit(talk)
  await decode.turn(10)
  expect([talk.failed instanceof Late, language.prompts, talk.isClosed]).toEqual([true, [], true])
})

test('a talk that breaks fails alone', async () => {
  const { language, decode, run } = lane()
  const broken = new Saying('a', 'x y z', language)
  broken.hear = async () => {
    throw new Error('broken')
  }
  const sound = new Saying('b', 'x y z', language)
  decode.submit(broken)
  decode.submit(sound)
  await run()
  expect([broken.failed instanceof Error, sound.heard.length, language.inUse]).toEqual([true, 3, 0])
})

test('a full queue refuses', () => {
  const { language, decode } = lane({ total: 1 })
  expect([decode.submit(new Saying('a', 'x', language)), decode.submit(new Saying('a', 'x', language))]).toEqual([true, false])
})

test('a long prompt goes in by parts, and who speaks goes on speaking between them', async () => {
  const { language, decode, run } = lane()
  const speaking = new Saying('a', 'one two three four five six', language)
  decode.submit(speaking)
  await decode.turn(0)
  language.promptParts = 4
  const long = new Saying('b', 'late', language)
  decode.submit(long)
  const heard: number[] = []
  for (let turn = 0; turn < 4; turn++) {
    await decode.turn(0)
    heard.push(speaking.heard.length)
  }
  expect(heard).toEqual([2, 3, 4, 5])
  expect([language.parts, long.heard.length]).toEqual([[1, 1, 1], 1])
  await run()
  expect(language.text(long.heard)).toBe('late')
})

test('[AS4] a talk that is over while its prompt goes in gives its slot back', async () => {
  const { language, decode } = lane()
  language.promptParts = 4
  const talk = new Saying('a', 'x', language)
  decode.submit(talk)
  await decode.turn(0)
  talk.over = true
  await decode.turn(0)
  expect([language.inUse, talk.isClosed, language.prompts]).toEqual([0, true, []])
})

test('a talk of many windows keeps nobody out: who comes meanwhile is let in at the next turn, and its prompt goes in beside it', async () => {
  const { language, decode, run } = lane({ slots: 4 })
  language.promptParts = 3
  const long = new Surveying('a', 32, language)
  decode.submit(long)
  await decode.turn(0)
  await decode.turn(0)
  const other = new Saying('b', 'here', language)
  decode.submit(other)
  for (let turn = 0; turn < 6; turn++) await decode.turn(0)
  expect([language.text(other.heard), long.opened]).toEqual(['here', 2])
  expect(language.parts).toEqual([0, 0, 1, 1, 0, 0])
  await run(200)
  expect([long.opened, language.prompts.length, language.inUse]).toEqual([33, 33, 0])
})

test('prompts of several sessions go in by turns, those of one session in order', async () => {
  const { language, decode } = lane({ slots: 4 })
  language.promptParts = 4
  const talks = ['a', 'a', 'b'].map((session) => new Saying(session, 'x', language))
  for (const talk of talks) decode.submit(talk)
  for (let turn = 0; turn < 9; turn++) await decode.turn(0)
  // The slots of b and of the second talk of a: 1 and 2. Every second turn lets one in, as long as one waits.
  expect(language.parts).toEqual([0, 0, 1, 0, 2, 1, 1, 2])
  expect(talks.map(({ heard }) => heard.length)).toEqual([1, 0, 0])
})
