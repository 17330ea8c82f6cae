import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessageChunk } from '@langchain/core/messages'
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs'
import { expect, test, vi } from 'vitest'
import { Turns } from '../src/session/turns.ts'
import { FakeSession, SMALL, withStore } from './fake-session.ts'
import type { FakeSocket } from './fake-session.ts'

type Parts = AsyncIterable<string> | Iterable<string>

/** A chat model that streams what it is told to, a part when the part is there. */
class Speaker extends BaseChatModel {
  readonly #speeches: Parts[]

  constructor(speeches: Parts[]) {
    super({})
    this.#speeches = speeches
  }

  override _llmType(): string {
    return 'speaker'
  }

  override bindTools(): this {
    return this
  }

  override _generate(): Promise<ChatResult> {
    throw new Error('It only streams.')
  }

  override async *_streamResponseChunks(): AsyncGenerator<ChatGenerationChunk> {
    for await (const text of this.#speeches.shift() ?? []) yield new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text }) })
  }
}

const deltas = (socket: FakeSocket) => socket.texts.flatMap((message) => (message.type === 'turn-delta' ? [message] : []))
const saidIn = (socket: FakeSocket) => deltas(socket).reduce((said, { from, text }) => said.slice(0, from) + text, '')
const endOf = (socket: FakeSocket) => socket.texts.find((message) => message.type === 'turn-ended')

function speaking(...speeches: Parts[]) {
  const speaker = new Speaker(speeches)
  return { limits: { ...SMALL, logBytes: 1_000_000 }, runs: [(host: ConstructorParameters<typeof Turns>[0]) => new Turns(host, async () => speaker)] }
}

test('[EV1] the words of a turn are events while the model still speaks: the first at once, then twenty a second at most', async () => {
  await withStore(async (store) => {
    const story: { pass?: (ms: number) => void; speak?: () => void } = {}
    const pause = new Promise<void>((resolve) => (story.speak = resolve))
    const fake = new FakeSession(
      store,
      speaking(
        (async function* () {
          yield 'I '
          await pause
          for (let index = 0; index < 100; index++) {
            story.pass?.(10)
            yield `word${index} `
          }
        })(),
      ),
    )
    story.pass = (ms) => (fake.time += ms)
    const owner = fake.owner()
    fake.say(owner, { type: 'session-resume', lastSeq: 0, streams: [] })
    fake.say(owner, { type: 'turn-start', turn: 'turn1', text: 'Speak.' })
    await vi.waitFor(() => expect(deltas(owner)).toMatchObject([{ turn: 'turn1', from: 0, text: 'I ' }]))
    expect(endOf(owner)).toBeUndefined()
    story.speak?.()
    await vi.waitFor(() => expect(endOf(owner)).toMatchObject({ finish: 'stop', text: expect.stringMatching(/^I word0 .* word99 $/) }))
    expect(saidIn(owner)).toBe(endOf(owner)?.text)
    // A hundred words in a second: the first, then one event in 50 ms, and what was left at the end.
    expect(deltas(owner).length).toBeGreaterThan(2)
    expect(deltas(owner).length).toBeLessThanOrEqual(1 + 1000 / 50 + 1)
  })
})

test('[EP5] evicted while its model speaks, a turn begins that reply anew, and what was said gives way to it', async () => {
  await withStore(async (store) => {
    const fake = new FakeSession(
      store,
      speaking(
        (async function* () {
          yield 'The first try says this'
          await new Promise(() => {})
        })(),
        ['The ', 'second.'],
      ),
    )
    const owner = fake.owner()
    fake.say(owner, { type: 'session-resume', lastSeq: 0, streams: [] })
    fake.say(owner, { type: 'turn-start', turn: 'turn1', text: 'Speak.' })
    await vi.waitFor(() => expect(deltas(owner)).toHaveLength(1))
    const late = fake.viewer()
    fake.say(late, { type: 'session-resume', lastSeq: 0, streams: [] })
    expect(late.texts.find((message) => message.type === 'session-reset')?.state.turns).toEqual([
      { turn: 'turn1', text: 'Speak.', answer: 'The first try says this', ended: false },
    ])
    fake.evict()
    await vi.waitFor(() => expect(endOf(owner)).toMatchObject({ finish: 'stop', text: 'The second.' }))
    expect(saidIn(owner)).toBe('The second.')
  })
})
