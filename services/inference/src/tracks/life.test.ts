import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_LIFE, Life } from './life.ts'

const live = (sightings: string, everyMs = 100) => {
  const life = new Life()
  return [...sightings].map((mark, index) => life.step(mark === 'x', index * everyMs)).flatMap((change, index) => (change ? [`${index}:${change}`] : []))
}

test('[TR2] tentative → confirmed → lost → found → lost → ended', () => {
  expect(live('xxx...xx...')).toEqual(['1:confirmed', '5:lost', '6:found', '10:lost'])
  expect(live('.x.x.')).toEqual([])
  expect(live(`xx${'.'.repeat(700)}`)).toEqual(['1:confirmed', '4:lost', '602:ended'])
})

test('[TR2] one miss changes nothing', () => {
  expect(live('xx.x.x.xx')).toEqual(['1:confirmed'])
})

test('[TR2] whatever is seen: changes follow one another as they may, and nothing comes after the end', () => {
  const may: Record<string, string[]> = { tentative: ['confirmed', 'ended'], confirmed: ['lost'], lost: ['found', 'ended'], found: ['lost'], ended: [] }
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 20_000 })), { maxLength: 300 }), (steps) => {
      const life = new Life(DEFAULT_LIFE)
      let now = 0
      for (const [seen, pause] of steps) {
        const before = life.state
        now += pause
        const change = life.step(seen, now)
        if (change) expect(may[before]).toContain(change)
        expect(life.state).toBe(change ?? before)
      }
    }),
  )
})
