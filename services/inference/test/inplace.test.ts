import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { compileAll } from '../src/asks/speak.ts'
import type { Window } from '../src/heads/head.ts'
import { OnnxModel } from '../src/model/onnx-model.ts'
import { registerModelContract } from './model-contract.ts'

const FOLDER = fileURLToPath(new URL('./fixtures/inplace', import.meta.url))
const HALF = fileURLToPath(new URL('./fixtures/inplace-half', import.meta.url))
const Expected = z.object({ colour: z.array(z.number()), text: z.string(), tokens: z.array(z.int()), phrase: z.string(), state: z.array(z.number()) })

registerModelContract('in place', () => OnnxModel.load(FOLDER, { slots: 4 }))
registerModelContract('in place, prompts in parts of three', () => OnnxModel.load(FOLDER, { slots: 4, prefillChunk: 3 }))
registerModelContract('in place, in half precision', () => OnnxModel.load(HALF, { slots: 4 }))

let model: OnnxModel
let expected: z.infer<typeof Expected>
beforeAll(async () => {
  model = await OnnxModel.load(FOLDER, { slots: 4, prefillChunk: 5 })
  expected = Expected.parse(JSON.parse(await readFile(`${FOLDER}/expected.json`, 'utf8')))
})
afterAll(() => model?.close())

async function windowOf(colour: readonly number[]): Promise<Window> {
  const [scene] = await model.encode([Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => colour[at % 3] ?? 0)])
  if (!scene) throw new Error('A picture gives a scene.')
  return model.window(
    Array.from({ length: model.sampling.frames }, () => scene),
    [0, 100, 200],
  )
}

/** Feeds a token, and the task's own after a trigger → what comes next. */
async function say(slot: number, token: number): Promise<number> {
  const task = model.language.taskOf(token)
  const own = task && model.language.taskToken(task)
  const [step] = await model.language.feed([{ slot, ids: own === undefined ? [token] : [token, own] }])
  return step?.next ?? -1
}

async function go(slot: number, next: number, count: number): Promise<number[]> {
  const tokens: number[] = []
  for (; tokens.length < count && next !== model.language.eos; next = await say(slot, next)) tokens.push(next)
  return tokens
}

test('the answer and the task state are those of transformers with the same weights', async () => {
  const window = await windowOf(expected.colour)
  const step = await model.language.prefill(0, window, expected.text)
  expect(await go(0, step.next, expected.tokens.length)).toEqual(expected.tokens)
  await model.language.prefill(0, window, expected.phrase)
  const [forced] = await model.language.feed([{ slot: 0, ids: model.language.forced(expected.phrase, 'region') }])
  expected.state.forEach((value, index) => expect(forced?.hidden[index]).toBeCloseTo(value, 3))
  model.language.release(0)
})

test('a cache of halves takes half the memory and says the same', async () => {
  const half = await OnnxModel.load(HALF, { slots: 4 })
  expect(half.kvBytes * 2).toBe(model.kvBytes)
  const window = await windowOf(expected.colour)
  let { next } = await half.language.prefill(0, window, expected.text)
  const said: number[] = []
  while (said.length < 5) {
    said.push(next)
    next = (await half.language.feed([{ slot: 0, ids: [next] }]))[0]?.next ?? -1
  }
  expect(said).toEqual(expected.tokens.slice(0, 5))
  await half.close()
})

test('an answer goes on between the parts of the prompt beside it, and neither touches the other', async () => {
  const [bright, dark] = [await windowOf([250, 240, 230]), await windowOf([10, 20, 30])]
  const alone = async (window: Window, text: string): Promise<number[]> => go(0, (await model.language.prefill(0, window, text)).next, 6)
  const [speaking, starting] = [await alone(bright, 'what is there?'), await alone(dark, 'where is it?')]

  let { next } = await model.language.prefill(0, bright, 'what is there?')
  const heard: number[] = []
  const parts = model.language.prefillInParts(1, dark, 'where is it?')
  let part = await parts.next()
  let between = 0
  for (; !part.done; part = await parts.next()) {
    heard.push(next)
    next = await say(0, next)
    between++
  }
  expect(between).toBeGreaterThan(1)
  expect([...heard, ...(await go(0, next, 6 - heard.length))]).toEqual(speaking)
  expect(await go(1, part.value.next, 6)).toEqual(starting)
  for (const slot of [0, 1]) model.language.release(slot)
})

test('a cache that is full is not written to for the sake of its neighbours', async () => {
  const window = await windowOf(expected.colour)
  const fill = async (slot: number, text: string): Promise<number> => (await model.language.prefill(slot, window, text)).next
  await fill(1, 'what is there?')
  while (model.language.room(1) > 0) await model.language.feed([{ slot: 1, ids: [12] }])
  const length = model.language.length(1)
  model.language.rewind(1, length - 1)
  const [before] = await model.language.feed([{ slot: 1, ids: [9] }])
  for (const slot of [0, 2]) await fill(slot, 'where is it?')
  await model.language.feed([0, 2].map((slot) => ({ slot, ids: [8] })))
  model.language.rewind(1, length - 1)
  const [after] = await model.language.feed([{ slot: 1, ids: [9] }])
  before?.hidden.forEach((value, index) => expect(after?.hidden[index]).toBeCloseTo(value, 5))
  for (const slot of [0, 1, 2]) model.language.release(slot)
})

test('a prompt longer than a slot is refused with both numbers', async () => {
  const window = await windowOf(expected.colour)
  await expect(model.language.prefill(3, window, 'the '.repeat(60))).rejects.toThrow(/takes 7\d positions .* it holds 64/)
})

test('a phrase that does not fit behind its prompt is refused, whoever forces it', async () => {
  const window = await windowOf(expected.colour)
  await expect(compileAll(model.language, window, 'the '.repeat(28), ['region'])).rejects.toThrow(/take 31 more positions of the model; \d+ are left/)
  expect((await compileAll(model.language, window, 'the', ['region'])).length).toBe(1)
})

test('a bundle that does not fit is refused before it is loaded, with the arithmetic', async () => {
  const load = OnnxModel.load(FOLDER, { slots: 4, memory: 100 * 1024 * 1024 })
  await expect(load).rejects.toThrow(/needs 25\d MB and may take 100 MB/)
  await expect(load).rejects.toThrow(/key-value cache: 4 slots × 2 layers × 2 × 1 heads × 16 × 64 positions × 4 bytes/)
  await expect(load).rejects.toThrow(/FOVEA_SLOTS.*FOVEA_MEMORY_MB/)
})
