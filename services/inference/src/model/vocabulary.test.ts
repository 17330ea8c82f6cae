import { readFileSync } from 'node:fs'
import { BundleManifest } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { Vocabulary } from './vocabulary.ts'

const read = (file: string): object => JSON.parse(readFileSync(new URL(`../../../../packages/model-nano/${file}`, import.meta.url), 'utf8'))
const manifest = BundleManifest.parse(read('manifest.json'))
const words = new Vocabulary({ ...manifest, language: { ...manifest.language, closedVocabulary: true } }, read('tokenizer.json'))

test.each([
  ['wo ist der Hund?', /does not know "wo", "ist", "der", "Hund\?"\. Ask in plain English/],
  ['犬はどこですか', /does not know "犬はどこですか"/],
  ['where is the widget?', /does not know "widget\?"/],
  ['🐶?', /does not know "🐶\?"/],
])('[AS5] a question whose words mean nothing to the model is refused, naming them: %s', (text, message) => {
  expect(() => words.prompt(text)).toThrow(message)
})

test.each(['where is the dog?', 'where is the cell phone, please', 'what color is the bicycle?', 'is there a banana in the picture'])(
  'a word here or there that is not known is no reason not to answer: %s',
  (text) => {
    expect(words.prompt(text).after.length).toBeGreaterThan(2)
  },
)

test('a head without phrases needs no tokens of the model; one with phrases does', () => {
  const heads = manifest.heads.map((head) => (head.task === 'mask' ? { ...head, token: { trigger: '<outline>', task: '<outline_task>' } } : head))
  expect(() => new Vocabulary({ ...manifest, heads }, read('tokenizer.json'))).toThrow(/has no token <outline>/)
  const silent = heads.map((head) => (head.task === 'mask' ? { ...head, phrases: false as const } : head))
  expect(new Vocabulary({ ...manifest, heads: silent }, read('tokenizer.json')).tokens.map(({ task }) => task)).toEqual(['region', 'moment'])
})
