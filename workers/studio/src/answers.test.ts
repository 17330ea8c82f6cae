import type { Evidence, SessionEvent, UnnumberedEvent } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { Answers } from './answers.ts'

const cup: Evidence = {
  id: 'ev_0123456789',
  version: 1,
  task: 'region',
  token: '<region>',
  query: 'the red cup',
  score: 0.9,
  stream: 0,
  frame: 4,
  mediaTime: 400,
  receivedAt: 1,
  regions: [{ box: [0.1, 0.1, 0.3, 0.3], score: 0.9 }],
  model: { bundle: 'nano', hash: 'x', head: 'region' },
  words: [4, 11],
}
const usage = { promptTokens: 1, answerTokens: 3, heads: 1, deviceMs: 5, totalMs: 20 }
const numbered = (events: UnnumberedEvent[]): SessionEvent[] => events.map((event, index) => ({ ...event, seq: index + 1, at: 1000 + index }))
const story = numbered([
  { type: 'ask-accepted', ask: 'a', text: 'Where is the cup?', look: { frame: 4 } },
  { type: 'answer-delta', ask: 'a', text: 'The red cup' },
  { type: 'head-started', ask: 'a', evidence: cup.id, task: 'region', token: '<region>', query: 'the red cup' },
  { type: 'head-result', ask: 'a', evidence: cup },
  { type: 'answer-delta', ask: 'a', text: ' is here.' },
  { type: 'answer-ended', ask: 'a', finish: 'stop', text: 'The red cup is here.', usage },
])

test('[AS2] words and evidence come in order, and a head at work is shown as such', () => {
  const answers = new Answers()
  for (const event of story.slice(0, 3)) answers.take(event)
  expect(answers.running).toMatchObject({
    question: 'Where is the cup?',
    look: { frame: 4 },
    text: 'The red cup',
    looking: [{ query: 'the red cup' }],
    end: undefined,
  })
  for (const event of story.slice(3)) answers.take(event)
  expect(answers.all).toMatchObject([{ text: 'The red cup is here.', looking: [], end: { finish: 'stop', usage } }])
  expect(answers.running).toBeUndefined()
  expect(answers.evidence(cup.id)).toEqual(cup)
})

test('a replay of the whole log builds the same answers', () => {
  const answers = new Answers()
  for (const event of [...story, ...story]) answers.take(event)
  const once = new Answers()
  for (const event of story) once.take(event)
  expect(answers.all).toEqual(once.all)
})

test('[AS5] a failed ask ends with its error', () => {
  const answers = new Answers()
  const error = { code: 'no-frame' as const, message: 'No frame was seen yet.', retryable: true }
  const [accepted, ended] = numbered([
    { type: 'ask-accepted', ask: 'b', text: 'Where?' },
    { type: 'answer-ended', ask: 'b', finish: 'error', text: '', usage, error },
  ])
  for (const event of [accepted, ended]) if (event) answers.take(event)
  expect(answers.all[0]?.end).toMatchObject({ finish: 'error', error })
})

test('[EV2] after a reset the text that the edge still knows stands, and known evidence stays', () => {
  const answers = new Answers()
  for (const event of story.slice(0, 4)) answers.take(event)
  answers.reset({
    state: 'live',
    streams: [],
    watches: [],
    tracks: [],
    asks: [{ ask: 'a', text: 'Where is the cup?', answer: 'The red cup is here.', evidence: [cup.id], ended: true }],
    turns: [{ turn: 't', text: 'And the dog?', answer: 'It ', ended: false }],
    workflows: [],
  })
  expect(answers.all[0]).toMatchObject({ text: 'The red cup is here.', evidence: [cup], end: { finish: 'stop' } })
})

test('an agent’s turn is an answer too: its words as they come, what it looks for, and what it rests on in the end', () => {
  const answers = new Answers()
  const turn = numbered([
    { type: 'turn-started', turn: 't', text: 'Is the cup there?' },
    { type: 'turn-delta', turn: 't', from: 0, text: 'Let me look.' },
    { type: 'tool-called', turn: 't', call: 'call-1', tool: 'find_moment', input: { query: 'the cup' } },
    { type: 'ask-accepted', ask: 't-call-1', text: 'the cup' },
    { type: 'head-result', ask: 't-call-1', evidence: cup },
    { type: 'answer-ended', ask: 't-call-1', finish: 'stop', text: '', usage },
    { type: 'tool-returned', turn: 't', call: 'call-1', tool: 'find_moment', content: 'there', evidence: [cup.id] },
    { type: 'turn-delta', turn: 't', from: 0, text: 'Yes, ' },
    { type: 'turn-delta', turn: 't', from: 5, text: 'there.' },
    { type: 'turn-ended', turn: 't', finish: 'stop', text: 'Yes, there.', evidence: [cup.id] },
  ])
  const states = turn.map((event) => {
    answers.take(event)
    const state = answers.all.find(({ ask }) => ask === 't')
    return { text: state?.text, looking: state?.looking.map(({ query }) => query) }
  })
  expect(states[2]).toEqual({ text: 'Let me look.', looking: ['find moment “the cup”'] })
  expect(states[8]).toEqual({ text: 'Yes, there.', looking: [] })
  expect(answers.all.find(({ ask }) => ask === 't')).toMatchObject({ by: 'agent', evidence: [{ id: cup.id }], end: { finish: 'stop' } })
  expect(answers.isRunning('t')).toBe(false)
})

test('an ask of a turn has no card of its own: where the agent says its words, they light up in the turn', () => {
  const answers = new Answers()
  const events = numbered([
    { type: 'turn-started', turn: 't', text: 'Where is the cup?' },
    { type: 'ask-accepted', ask: 't-ask', text: 'Where is the cup?' },
    { type: 'answer-delta', ask: 't-ask', text: 'The red cup' },
    { type: 'head-started', ask: 't-ask', evidence: cup.id, task: 'region', token: '<region>', query: 'the red cup' },
    { type: 'turn-delta', turn: 't', from: 0, text: 'The red cup' },
    { type: 'head-result', ask: 't-ask', evidence: cup },
    { type: 'answer-ended', ask: 't-ask', finish: 'stop', text: 'The red cup is here.', usage },
    { type: 'turn-ended', turn: 't', finish: 'stop', text: 'The red cup is here.', evidence: [cup.id] },
  ])
  const states = events.map((event) => {
    const changed = answers.take(event)
    return [changed?.ask, changed?.looking.length, changed?.evidence.length]
  })
  expect(states.slice(2)).toEqual([
    ['t', 0, 0],
    ['t', 1, 0],
    ['t', 1, 0],
    ['t', 0, 1],
    ['t', 0, 1],
    ['t', 0, 1],
  ])
  expect(answers.all).toMatchObject([{ ask: 't', by: 'agent', text: 'The red cup is here.', evidence: [cup], end: { finish: 'stop' } }])
})

test('what was asked stands at once, becomes the answer when it is taken, and goes when it was not', () => {
  const answers = new Answers()
  const about = { by: 'model', question: 'Where is the cup?', tasks: undefined, look: 'now' } as const
  answers.post({ ...about, ask: 'a' })
  answers.post({ ...about, ask: 'b' })
  expect(answers.all).toMatchObject([{ isPosted: true }, { isPosted: true }])
  for (const event of story) answers.take(event)
  expect([answers.withdraw('a'), answers.withdraw('b')]).toEqual([false, true])
  expect(answers.all).toMatchObject([{ ask: 'a', isPosted: false, text: 'The red cup is here.' }])
})
