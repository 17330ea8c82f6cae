import { fileURLToPath } from 'node:url'
import type { Box } from '@fovea/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OnnxModel } from '../src/model/onnx-model.ts'
import type { Window } from '../src/heads/head.ts'

const bundle = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const LEFT: Box = [0.1, 0.2, 0.5, 0.6]
const RIGHT: Box = [0.6, 0.1, 0.9, 0.9]

let videochat: OnnxModel
let llava: OnnxModel
let words: OnnxModel
beforeAll(async () => {
  videochat = await OnnxModel.load(bundle('videochat-tiny'), { slots: 1 })
  llava = await OnnxModel.load(bundle('llava-tiny'), { slots: 1 })
  words = await OnnxModel.load(bundle('toy'), { slots: 1 })
})
afterAll(() => Promise.all([videochat.close(), llava.close(), words.close()]))

async function windowOf(model: OnnxModel): Promise<Window> {
  const grey = new Uint8Array(model.image.height * model.image.width * 3).fill(128)
  const { frames, everyMs } = model.sampling
  const scenes = await model.encode(model.unit === 'clip' ? Array.from({ length: frames }, () => grey) : [grey])
  const times = Array.from({ length: frames }, (_, index) => index * everyMs)
  return model.window(model.unit === 'clip' ? scenes : times.flatMap(() => scenes.slice(0, 1)), times)
}

async function hidden(model: OnnxModel, text: string, given?: Box[]): Promise<Float32Array> {
  const slot = model.language.acquire()
  if (slot === undefined) throw new Error('A slot is free.')
  try {
    return (await model.language.prefill(slot, await windowOf(model), text, given)).hidden
  } finally {
    model.language.release(slot)
  }
}

test.each([
  ['videochat', () => videochat],
  ['llava', () => llava],
])('[AS1] what <box> in a question stands for reaches the language model of %s, each in its place', async (_name, of) => {
  const model = of()
  const [left, right] = [await hidden(model, 'what is in <box> ?', [LEFT]), await hidden(model, 'what is in <box> ?', [RIGHT])]
  expect(left).not.toEqual(right)
  expect(await hidden(model, 'is <box> or <box> red ?', [LEFT, RIGHT])).not.toEqual(await hidden(model, 'is <box> or <box> red ?', [RIGHT, LEFT]))
  expect(await hidden(model, 'what is in <box> ?', [LEFT])).toEqual(left)
})

test('[AS1] boxes that the words do not name are refused, and so are boxes where the model takes none', async () => {
  await expect(hidden(llava, 'what is there ?', [LEFT])).rejects.toMatchObject({ code: 'invalid-message' })
  await expect(hidden(videochat, 'what is in <box> and <box> ?', [LEFT])).rejects.toThrow(/2 times <box>, and 1 boxes came/)
  await expect(hidden(words, 'what is in <box> ?', [LEFT])).rejects.toMatchObject({ code: 'unsupported' })
})

test('without boxes, a token that a user writes stays a word taken out', async () => {
  expect(await hidden(videochat, 'what is in <track_box> ?')).toEqual(await hidden(videochat, 'what is in ?'))
  expect(await hidden(llava, 'what is in <box> ?')).toEqual(await hidden(llava, 'what is in ?'))
})
