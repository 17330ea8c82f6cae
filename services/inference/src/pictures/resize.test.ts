import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { resizeRgb } from './resize.ts'

type Case = { from: [number, number]; to: [number, number]; source: number[]; target: number[] }
const { resizes } = JSON.parse(readFileSync(new URL('../../test/fixtures/pictures.json', import.meta.url), 'utf8')) as { resizes: Case[] }

test.each(resizes)('$from → $to is what OpenCV makes, to one step of 255', ({ from, to, source, target }) => {
  const made = new Uint8Array(to[0] * to[1] * 3)
  resizeRgb(Uint8Array.from(source), from, made, to)
  const worst = made.reduce((most, value, index) => Math.max(most, Math.abs(value - (target[index] ?? 0))), 0)
  expect(worst).toBeLessThanOrEqual(1)
})

test('one colour stays that colour, whatever the sizes', () => {
  for (const [from, to] of [
    [480, 256],
    [639, 200],
    [31, 64],
  ] as const) {
    const made = new Uint8Array(to * to * 3)
    resizeRgb(new Uint8Array(from * from * 3).fill(201), [from, from], made, [to, to])
    expect(made.every((value) => value === 201)).toBe(true)
  }
})

test('a very wide picture keeps its brightness: no share of a pixel is negative', () => {
  const [height, width] = [400, 25_700]
  const source = new Uint8Array(height * width * 3).fill(255)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < 320; x++) source.fill(0, (y * width + Math.round((x * width) / 320)) * 3, (y * width + Math.round((x * width) / 320)) * 3 + 3)
  const target = new Uint8Array(320 * 320 * 3)
  resizeRgb(source, [height, width], target, [320, 320])
  expect(target.reduce((least, value) => Math.min(least, value), 255)).toBeGreaterThan(230)
})
