import { encodeRle, type Box, type View } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { ScriptedVisionSession } from '../../../../test/scripted/scripted-vision-session.ts'
import { visionTools } from '../vision-tools.ts'

const view: View = { stream: 0, frame: 40, mediaTime: 8000, receivedAt: 0, ageMs: 1800, perceptions: [] }
const left: Box = [0.05, 0.4, 0.25, 0.6]
const right: Box = [0.7, 0.4, 0.9, 0.6]

function desk(): ScriptedVisionSession {
  return new ScriptedVisionSession({
    view,
    things: {
      cups: { boxes: [left, right] },
      'the red cup': { boxes: [left], mask: encodeRle(Uint8Array.of(1, 1, 0, 0), 2, 2) },
      'the cup falls': { spans: [{ start: 3200, end: 5400, score: 0.8 }] },
    },
    answers: { 'What is on the desk?': { words: ['Two ', 'cups.'], points: ['cups'] } },
  })
}

async function call(session: ScriptedVisionSession, name: string, args: Record<string, unknown>) {
  const tool = visionTools(session, { scope: 'turn-01' }).find((one) => one.name === name)
  if (!tool) throw new Error(`no tool ${name}`)
  return tool.invoke({ type: 'tool_call', id: 'call-1', name, args })
}

test('six tools, each content and artifact', () => {
  const tools = visionTools(desk())
  expect(tools.map((tool) => tool.name)).toEqual(['look', 'locate', 'segment', 'follow', 'find_moment', 'count'])
  expect(tools.every((tool) => tool.responseFormat === 'content_and_artifact' && tool.description.length > 40)).toBe(true)
})

test('locate: words with place, id and freshness for the model, evidence as the artifact', async () => {
  const session = desk()
  const message = await call(session, 'locate', { query: 'the red cup' })
  expect(message.content).toBe(
    '"the red cup": one box, middle left, 4.0 % of the picture, box 0.05 0.40 0.25 0.60 (score 0.90) [ev_0000000001], as of 1.8 s ago',
  )
  expect(message.artifact.evidence).toEqual([await session.recall('ev_0000000001')])
  expect(session.asked).toEqual([{ ask: 'turn-01-call-1', text: 'the red cup', tasks: ['region'], at: undefined }])
})

test('[PE2] what is not there is said to be absent', async () => {
  const message = await call(desk(), 'locate', { query: 'a dog' })
  expect(message.content).toBe('"a dog" is not in view [ev_0000000001] (score 0.02), as of 1.8 s ago')
})

test('[PE1] count says the number of boxes', async () => {
  expect((await call(desk(), 'count', { query: 'cups' })).content).toMatch(/^2 in view\. "cups": 2 boxes, middle left, .*; middle right, /)
  expect((await call(desk(), 'count', { query: 'dogs' })).content).toMatch(/^0 in view\. "dogs" is not in view/)
})

test('segment says how much of the picture it covers', async () => {
  expect((await call(desk(), 'segment', { query: 'the red cup' })).content).toMatch(/covers 50 % of the picture \[ev_0000000001\]/)
})

test('find_moment looks over the video so far, or over the span that is given, in seconds', async () => {
  const session = desk()
  expect((await call(session, 'find_moment', { query: 'the cup falls' })).content).toMatch(/happens from 3\.2 s to 5\.4 s \(score 0\.80\)/)
  expect(session.asked[0]?.at).toEqual({ from: 0, to: 8000 })
  const later = desk()
  await call(later, 'find_moment', { query: 'the cup falls', from: 6 })
  expect(later.asked[0]?.at).toEqual({ from: 6000, to: 8000 })
  expect((await call(desk(), 'find_moment', { query: 'a dog barks' })).content).toMatch(/does not happen there/)
})

test('look answers in words and tells the evidence on the way', async () => {
  const message = await call(desk(), 'look', { question: 'What is on the desk?' })
  expect(message.content).toMatch(/^Two cups\.\n"cups": 2 boxes/)
  expect((await call(desk(), 'look', { question: 'Why?' })).content).toBe('I do not know. (as of 1.8 s ago)')
})

test('follow starts where evidence shows the thing, and from the phrase where it is not in view', async () => {
  const session = desk()
  expect((await call(session, 'follow', { query: 'the red cup' })).content).toMatch(/^Track turn-01-call-1: followed from there\./)
  await call(session, 'follow', { query: 'a dog' })
  expect(session.followed[0]?.prompt).toEqual({ box: left, frame: 40 })
  const other = desk()
  expect((await call(other, 'follow', { query: 'a dog' })).content).toMatch(/as soon as it is in view/)
  expect(other.followed[0]?.prompt).toEqual({ query: 'a dog' })
  const chained = desk()
  const { id } = await chained.segment('the red cup')
  await call(chained, 'follow', { evidence: id })
  expect(chained.followed[0]?.prompt).toHaveProperty('mask')
})

test('before the first frame the model reads that there is none, and the error is in the artifact', async () => {
  const message = await call(new ScriptedVisionSession({}), 'locate', { query: 'cups' })
  expect(message.content).toMatch(/^No frame yet: Stream 0 has no seen frame yet/)
  expect(message.artifact).toMatchObject({ evidence: [], error: { code: 'no-frame' } })
  expect((await call(desk(), 'follow', { evidence: 'ev_9999999999' })).content).toMatch(/^Could not look: There is no evidence ev_9999999999/)
})

test('[AS1] the same call of the same turn looks once', async () => {
  const session = desk()
  await call(session, 'locate', { query: 'cups' })
  await call(session, 'locate', { query: 'cups' })
  expect(session.asked).toHaveLength(1)
})
