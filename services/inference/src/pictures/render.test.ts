import type { Evidence } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { drawing } from './render.ts'

const evidence: Evidence = {
  id: 'ev_0123456789',
  version: 1,
  task: 'region',
  token: '<region>',
  query: 'the scooter <script>',
  score: 1,
  stream: 0,
  frame: 1,
  mediaTime: 0,
  receivedAt: 0,
  regions: [{ box: [0.8, 0.5, 1, 0.9], score: 0.65 }],
  model: { bundle: 'b', hash: 'h', head: 'region' },
}

test('[PE4] the phrase stands inside the picture, even at a box by its right edge, and no markup gets through', () => {
  const svg = drawing(evidence, { width: 320, height: 240 })
  const [, x = '0', size = '0', text = ''] = /<text x="([\d.]+)"[^>]*font-size="([\d.]+)"[^>]*>([^<]*)<\/text>/.exec(svg) ?? []
  expect(text).toMatch(/^the scooter .*0\.65$/)
  expect(Number(x) + text.length * Number(size) * 0.62).toBeLessThanOrEqual(320)
  expect(svg).not.toContain('<script')
})

test('[PE2] [PE4] absence is written into the picture', () => {
  expect(drawing({ ...evidence, score: 0.1, regions: [] }, { width: 320, height: 240 })).toContain('not in view (0.10)')
})
