import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bootstrap } from './interval.ts'
import { averagePrecision } from './moments.ts'
import type { EvalRecord } from './record.ts'
import { mean } from './tracking.ts'
import { asMarkdown, metrics, worthOf } from './table.ts'
import type { Metric } from './table.ts'

type Golden = { records: EvalRecord[]; table: Pick<Metric, 'name' | 'value' | 'count' | 'constant'>[] }
// Made by packages/cli/scripts/make_metrics_golden.py with the trainer's own metrics.
const golden: Golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8'))

describe('the same records give the same table as the trainer', () => {
  const table = metrics(golden.records, { samples: 50 })

  test('the same rows, in the same order', () => {
    expect(table.map(({ name }) => name)).toEqual(golden.table.map(({ name }) => name))
  })

  test.each(golden.table)('$name', ({ name, value, count, constant }) => {
    const mine = table.find((metric) => metric.name === name)
    expect(mine?.value).toBeCloseTo(value, 9)
    expect(mine?.count).toBe(count)
    if (constant !== undefined) expect(mine?.constant).toBeCloseTo(constant, 9)
  })

  test('each figure lies in its interval', () => {
    for (const { value, low, high } of table) {
      expect(low).toBeLessThanOrEqual(value + 0.1)
      expect(high).toBeGreaterThanOrEqual(value - 0.1)
    }
  })
})

test('a perfect answer is worth 1, silence 0', () => {
  const record: EvalRecord = { clip: 'c', row: 'region-name', expect: { regions: [[0, 0, 0.5, 0.5]] }, prediction: { text: '', heads: [] } }
  expect(worthOf(record)).toBe(0)
  record.prediction.heads = [{ task: 'region', phrase: 'dog', regions: [{ box: [0, 0, 0.5, 0.5], score: 0.4 }] }]
  expect(worthOf(record)).toBe(1)
})

test('a record that lacks what its row promises is named', () => {
  expect(() => metrics([{ clip: 'c7', ask: 2, row: 'moment', expect: {}, prediction: { text: '', heads: [] } }])).toThrow('c7, ask 2')
})

test('average precision by hand: right, wrong, right of two truths', () => {
  const truths: [number, number][] = [
    [0, 1000],
    [2000, 3000],
  ]
  const spans = [
    { span: [0, 1000] as [number, number], score: 0.9 },
    { span: [5000, 6000] as [number, number], score: 0.8 },
    { span: [2000, 3000] as [number, number], score: 0.7 },
  ]
  expect(averagePrecision(spans, truths, 0.5)).toBeCloseTo(0.5 * 1 + 0.5 * (2 / 3), 12)
})

test('the bootstrap is seeded, and its interval is empty where nothing varies', () => {
  expect(bootstrap([[1], [0], [1], [0]], mean)).toEqual(bootstrap([[1], [0], [1], [0]], mean))
  expect(bootstrap([[1], [1]], mean)).toEqual([1, 1])
})

test('the table as Markdown', () => {
  expect(asMarkdown([{ name: 'exist', value: 0.5, low: 0.25, high: 0.75, count: 4, constant: 0.5 }])).toContain('| exist | 0.500 | 0.250 – 0.750 | 4 | 0.500 |')
})
