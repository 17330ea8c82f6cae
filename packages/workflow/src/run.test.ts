import { encodeRle, type Box, type TrackUpdate, type View } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { ScriptedVisionSession, type Scene } from '../../../test/scripted/scripted-vision-session.ts'
import { workflow } from './builder.ts'
import { advance, beginRun, type RunJournal, type RunState, type StepEnded } from './run.ts'
import { runWorkflow } from './run-workflow.ts'

const view: View = { stream: 0, frame: 4, mediaTime: 400, receivedAt: 0, ageMs: 100, perceptions: [] }
const box: Box = [0, 0.2, 0.4, 0.6]
const update = (frame: number, life: TrackUpdate['life'], seen = true): TrackUpdate => ({
  track: 't',
  life,
  stream: 0,
  frame,
  mediaTime: frame * 100,
  ...(seen && { perception: { track: 't', task: 'track', score: 0.9, box } }),
})
const desk = (more: Scene = {}) =>
  new ScriptedVisionSession({
    view,
    things: {
      cup: { boxes: [box, [0.5, 0, 1, 1]], mask: encodeRle(Uint8Array.of(1, 0, 0, 0), 2, 2) },
      'it falls': {
        spans: [
          { start: 1, end: 2, score: 0.5 },
          { start: 5, end: 9, score: 0.8 },
        ],
      },
    },
    answers: { 'Is the cup red?': { words: ['Yes.'], points: ['cup'] } },
    tracks: {
      box: [update(5, 'tentative'), update(6, 'confirmed'), update(7, 'lost', false), update(8, 'lost', false), update(9, 'found'), update(10, 'confirmed')],
    },
    ...more,
  })

const check = workflow('cup-check')
  .locate('find', { query: '{{input.thing}}' })
  .branch('any', { on: 'find.count', when: [{ op: '>=', value: 1, next: 'watch' }], otherwise: 'none' })
  .follow('watch', { from: 'find', forMs: 400 })
  .event('seen', { name: 'thing-seen', data: { evidence: '{{find.evidence}}', lost: '{{watch.lost}} times' } })
  .end()
  .event('none', { name: 'nothing-there' })
  .build()

/** A journal that keeps everything as a store would: through JSON. */
function journal() {
  const kept: { ended: StepEnded[]; told: { step: string; name: string; data: Record<string, string> }[]; states: RunState[] } = {
    ended: [],
    told: [],
    states: [],
  }
  const keep = (state: RunState) => kept.states.push(JSON.parse(JSON.stringify(state)))
  const write: RunJournal = {
    ended: (step, state) => void (kept.ended.push(step), keep(state)),
    noted: (state) => void keep(state),
    told: (event, state) => void (kept.told.push(event), keep(state)),
  }
  return { ...kept, write }
}

test('locate → branch on count → follow → event: each step finds, chains its evidence, and tells', async () => {
  const session = desk()
  const log = journal()
  const found = await runWorkflow(check, { session, run: 'run-01', input: { thing: 'cup' }, journal: log.write })
  expect(found).toEqual({
    find: { found: true, count: 2, score: 0.9, evidence: 'ev_0000000001', box },
    any: { value: 2, went: 'watch' },
    watch: { track: 'run-01-watch', life: 'found', frames: 5, seen: 3, lost: 1, from: 500, to: 900, box },
    seen: { data: { evidence: 'ev_0000000001', lost: '1 times' } },
  })
  expect(log.told).toEqual([{ step: 'seen', name: 'thing-seen', data: { evidence: 'ev_0000000001', lost: '1 times' } }])
  expect(log.ended.map(({ step, next }) => [step, next])).toEqual([
    ['find', 'any'],
    ['any', 'watch'],
    ['watch', 'seen'],
    ['seen', undefined],
  ])
  expect(session.followed).toEqual([{ track: 'run-01-watch', prompt: { box, frame: 4 } }])
  expect(session.stopped).toEqual(['run-01-watch'])
})

test('[PE2] what is not there takes the other way', async () => {
  const found = await runWorkflow(check, { session: desk(), input: { thing: 'dog' } })
  expect(Object.keys(found)).toEqual(['find', 'any', 'none'])
})

test('a run stopped after any step goes on from its stored state, and no finished step runs again', async () => {
  const whole = journal()
  const options = { run: 'run-01', now: () => 0 }
  await advance(check, beginRun(check, { thing: 'cup' }), { ...options, session: desk(), journal: whole.write })
  expect(whole.states.length).toBeGreaterThan(4)
  for (const [index, state] of whole.states.entries()) {
    // The session lived on; only the run was interrupted.
    const session = desk()
    if (state.outputs.find) await session.locate('cup', { id: 'run-01-find' })
    const before = session.asked.length
    const rest = journal()
    const { state: reached } = await advance(check, state, { ...options, session, journal: rest.write })
    expect(Object.keys(reached.outputs), `from state ${index}`).toEqual(['find', 'any', 'watch', 'seen'])
    expect(reached.outputs.find).toEqual(whole.states.at(-1)?.outputs.find)
    expect(session.asked.length - before).toBe(state.outputs.find ? 0 : 1)
    expect(rest.ended.some(({ step }) => step in state.outputs)).toBe(false)
    // Told once, whenever the interruption came.
    expect(rest.told.length).toBe(state.noted === true || state.outputs.seen ? 0 : 1)
    if (state.next === 'watch') expect(reached.outputs.watch?.from).toBe(500)
  }
})

test('a wait suspends until its time, and does not begin anew after an interruption', async () => {
  const graph = workflow('later').wait('pause', { ms: 1000 }).event('rang', { name: 'rang' }).build()
  const log = journal()
  let now = 5000
  const options = { run: 'run-01', session: desk(), journal: log.write, now: () => now }
  const first = await advance(graph, beginRun(graph), options)
  expect(first.until).toBe(6000)
  now = 5900
  const stored = log.states.at(-1)
  if (!stored) throw new Error('the wait noted nothing')
  expect((await advance(graph, stored, options)).until).toBe(6000)
  now = 6000
  const last = await advance(graph, stored, options)
  expect(last.until).toBeUndefined()
  expect(last.state.outputs.pause).toEqual({ ms: 1000 })
  expect(log.told).toHaveLength(1)
})

test('ask, count, segment and find-moment give what their heads found', async () => {
  const graph = workflow('all')
    .ask('words', { text: 'Is the {{input.thing}} red?' })
    .count('many', { query: 'cup' })
    .segment('shape', { query: 'cup' })
    .findMoment('when', { query: 'it falls', at: { from: 0, to: 9 } })
    .follow('watch', { query: 'whoever takes it', from: 'when' })
    .build()
  const session = desk({ tracks: { 'whoever takes it': [update(5, 'confirmed'), update(6, 'ended', false)] } })
  const found = await runWorkflow(graph, { session, input: { thing: 'cup' } })
  expect(found).toMatchObject({
    words: { text: 'Yes.', finish: 'stop', evidence: ['ev_0000000001'] },
    many: { count: 2 },
    shape: { found: true, area: 0.25 },
    when: { found: true, count: 2, start: 5, end: 9 },
    watch: { life: 'ended', frames: 1, to: 600, box },
  })
})

test('a step that fails throws its own error, and a missing input is told before anything runs', async () => {
  await expect(runWorkflow(check, { session: new ScriptedVisionSession({}), input: { thing: 'cup' } })).rejects.toMatchObject({ code: 'no-frame' })
  const session = desk()
  await expect(runWorkflow(check, { session })).rejects.toThrow(/needs the input thing; none came/)
  await expect(runWorkflow(check, { session, input: { thing: 'cup' }, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  expect(session.asked).toEqual([])
})
