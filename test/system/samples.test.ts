import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Box } from '@fovea/protocol'
import type { House } from '../../packages/cli/src/house.ts'
import { matched } from '../../packages/cli/src/metrics/boxes.ts'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { openSession, video } from '../../packages/sdk/src/node/index.ts'
import { openTestHouse } from '../house/open-test-house.ts'

// The shipped clips with their stated answers, through the real path: what a stranger's first minute shows.

type Question = { text: string; expect: { regions?: Box[]; answer?: string[] } }
type Sample = { file: string; frames: number; questions: Question[] }
const samples: Sample[] = JSON.parse(readFileSync(inRepository('samples/samples.json'), 'utf8'))

/** Shares of the questions that must be answered as samples.json states; the model card has the measured figures of whole exams. */
const RIGHT = { regions: 0.8, absent: 0.7 }

let house: House
beforeAll(async () => {
  house = await openTestHouse()
}, 240_000)
afterAll(() => house.close())

test('[PE2] where things are, and that they are not there, is answered as the samples state', async () => {
  const answers: { text: string; kind: keyof typeof RIGHT; right: boolean; said: string }[] = []
  for (const { file, questions } of samples) {
    await using session = await openSession(house)
    const { seen } = await session.send(await video(inRepository(`samples/${file}`))).done
    for (const { text, expect: truth } of questions) {
      if (!truth.regions) continue
      const answer = await session.ask(text, { at: { frame: seen } })
      const boxes = answer.evidence.flatMap(({ regions = [] }) => regions)
      const right = truth.regions.length === 0 ? boxes.length === 0 : matched(boxes, truth.regions) === truth.regions.length
      answers.push({ text: `${file}: ${text}`, kind: truth.regions.length === 0 ? 'absent' : 'regions', right, said: `${answer.text} (${boxes.length} boxes)` })
    }
  }
  for (const [kind, share] of Object.entries(RIGHT)) {
    const asked = answers.filter((one) => one.kind === kind)
    const wrong = asked.filter((one) => !one.right).map(({ text, said }) => `${text} → ${said}`)
    expect(1 - wrong.length / asked.length, `${kind}, wrong:\n${wrong.join('\n')}`).toBeGreaterThanOrEqual(share)
  }
}, 240_000)
