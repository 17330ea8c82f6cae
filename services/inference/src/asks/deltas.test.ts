import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deltas } from './deltas.ts'

test('[EV1] the first word at once, then at most twenty messages a second, nothing lost', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 80 })), { minLength: 1, maxLength: 60 }), (words) => {
      let now = 0
      let text = ''
      const sent: { text: string; at: number }[] = []
      const deltas = new Deltas({ clock: () => now, emit: (delta) => sent.push({ text: delta, at: now }) })
      for (const [word, pause] of words) {
        text += word
        deltas.update(text)
        now += pause
      }
      expect(sent[0]).toEqual({ text: words[0]?.[0], at: 0 })
      sent.slice(1).forEach(({ at }, index) => expect(at - (sent[index]?.at ?? 0)).toBeGreaterThanOrEqual(50))
      deltas.flush(text)
      expect(sent.map((each) => each.text).join('')).toBe(text)
    }),
  )
})
