import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { workflow } from '@fovea/workflow'
import { expect, test } from 'vitest'
import { call, EdgeClient, startBackend } from './edge-client.ts'
import { Workflows } from '../src/session/workflows.ts'
import { FakeSession, withStore } from './fake-session.ts'
import type { ScriptedSession } from './scripted-backend.ts'

const check = workflow('cup-check')
  .locate('find', { query: '{{input.thing}}' })
  .branch('any', { on: 'find.count', when: [{ op: '>=', value: 1, next: 'watch' }] })
  .follow('watch', { from: 'find' })
  .event('told', { name: 'thing-seen', data: { evidence: '{{find.evidence}}', track: '{{watch.track}}' } })
  .build()

const typesOf = (client: EdgeClient) => client.events.map((event) => event.type).filter((type) => type.startsWith('workflow-'))

/** A backend that follows what it is told to follow: confirmed at once, then a step a frame. */
function follow(session: ScriptedSession, track: string, frame: number): void {
  session.say({ type: 'track-confirmed', track, stream: 0, frame, mediaTime: frame * 33, score: 0.9, box: [0.1, 0.1, 0.5, 0.5] })
}

test('[EP5] locate → branch → follow → event run at the edge, through an eviction, as events; the same run never runs twice', async () => {
  const backend = await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  client.say({ type: 'workflow-start', run: 'run1', graph: check, input: { thing: 'cup' } })
  expect(await client.until('track-started')).toMatchObject({ track: 'run1-watch', prompt: { box: [0.1, 0.1, 0.5, 0.5], frame: 1 } })
  const scripted = backend.sessions.get(session)
  if (!scripted) throw new Error('no backend session')
  follow(scripted, 'run1-watch', 1)
  await client.until('track-confirmed')
  await evictDurableObject(env.SESSION.getByName(session))
  client.say({ type: 'workflow-start', run: 'run1', graph: check, input: { thing: 'cup' } })
  scripted.say({ type: 'track-ended', track: 'run1-watch', because: 'it left' })
  expect(await client.until('workflow-ended')).toMatchObject({
    run: 'run1',
    finish: 'stop',
    output: {
      find: { count: 1, evidence: 'ev_run1find00' },
      any: { went: 'watch' },
      watch: { track: 'run1-watch', life: 'ended' },
      told: { data: { track: 'run1-watch' } },
    },
  })
  expect(typesOf(client)).toEqual([
    'workflow-started',
    'workflow-step-ended',
    'workflow-step-ended',
    'workflow-step-ended',
    'workflow-event',
    'workflow-step-ended',
    'workflow-ended',
  ])
  expect(await client.until('workflow-event')).toMatchObject({ name: 'thing-seen', data: { evidence: 'ev_run1find00', track: 'run1-watch' } })
  expect(scripted.messages.filter((message) => message.type === 'ask-start')).toHaveLength(1)
  const again = await call(`/v1/sessions/${session}/workflows`, {
    method: 'POST',
    body: JSON.stringify({ run: 'run1', graph: check, input: { thing: 'cup' } }),
  })
  expect(await again.json()).toMatchObject({ run: 'run1', finish: 'stop', output: { find: { count: 1 } } })
})

test('[EP5] a follow whose backend went away during a sleep ends as it does awake', () =>
  withStore(async (store, clear) => {
    const graph = workflow('eye').follow('it', { query: 'cup', stream: 0 }).build()
    const ends: unknown[] = []
    for (const asleep of [false, true]) {
      clear()
      const fake = new FakeSession(store, { runs: [(host) => new Workflows(host)] })
      const owner = fake.owner()
      fake.say(owner, { type: 'session-resume', lastSeq: 0, streams: [] })
      fake.say(owner, { type: 'stream-open', stream: 0, policy: 'all' })
      const backend = fake.backend()
      fake.say(owner, { type: 'workflow-start', run: 'run1', graph })
      await expect.poll(() => fake.session.standing.tracks.has('run1-it')).toBe(true)
      if (asleep) fake.evict({ closing: [backend] })
      else fake.close(backend)
      await expect.poll(() => store.run('run1')?.outcome).not.toBeNull()
      const { seq: _, at: __, ...outcome } = store.run('run1')?.outcome ?? { seq: 0, at: 0 }
      ends.push(outcome)
    }
    expect(ends[0]).toMatchObject({ finish: 'stop', output: { it: { track: 'run1-it', life: 'ended' } } })
    expect(ends[1]).toEqual(ends[0])
  }))

test('[SE5] a wait stands as a row behind the alarm and outlives an eviction', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  const stub = env.SESSION.getByName(session)
  const graph = workflow('later').wait('pause', { ms: 400 }).event('rang', { name: 'rang' }).build()
  client.say({ type: 'workflow-start', run: 'run1', graph })
  await client.until('workflow-started')
  await evictDurableObject(stub)
  await new Promise((resolve) => setTimeout(resolve, 450))
  await runDurableObjectAlarm(stub)
  expect(await client.until('workflow-ended')).toMatchObject({ finish: 'stop', output: { pause: { ms: 400 } } })
  expect(client.of('workflow-event')).toHaveLength(1)
})

test('a graph that cannot run is refused with its problems, and nothing is stored', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  const broken = { ...check, steps: check.steps.map((step) => (step.id === 'find' ? { ...step, next: 'nowhere' } : step)) }
  client.say({ type: 'workflow-start', run: 'run1', graph: broken, input: { thing: 'cup' } })
  expect(await client.until('error')).toMatchObject({
    code: 'invalid-message',
    of: 'run1',
    message: expect.stringMatching(/find goes to nowhere; there is no such step/),
  })
  client.say({ type: 'workflow-start', run: 'run1', graph: check })
  expect(await client.until('error', 2)).toMatchObject({ of: 'run1', message: expect.stringMatching(/needs the input thing; none came/) })
  const response = await call(`/v1/sessions/${session}/workflows`, { method: 'POST', body: JSON.stringify({ graph: broken, input: { thing: 'cup' } }) })
  expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'invalid-message' })])
  expect(typesOf(client)).toEqual([])
})

test('a step that fails ends the run with its error and what was found until then; a cancel ends it once', async () => {
  const backend = await startBackend({ answer: ({ ask, text }, session) => (text === 'cup' ? session.answer({ ask, text }) : undefined) })
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  const graph = workflow('two').locate('first', { query: 'cup' }).locate('second', { query: 'plate' }).build()
  client.say({ type: 'workflow-start', run: 'run1', graph })
  client.say({ type: 'workflow-start', run: 'run2', graph })
  await client.until('workflow-step-ended', 2)
  client.say({ type: 'workflow-cancel', run: 'run1' })
  expect(await client.until('workflow-ended')).toMatchObject({ run: 'run1', finish: 'cancelled', output: { first: { count: 1 } } })
  backend.die()
  expect(await client.until('workflow-ended', 2)).toMatchObject({
    run: 'run2',
    finish: 'error',
    output: { first: { count: 1 } },
    error: { code: 'unavailable', retryable: true },
  })
  expect(session).toMatch(/^s_/)
})

test('[EV4] a run whose output fits into no event still ends, and says so; one that gathers more than can be kept fails', () =>
  withStore(async (store, clear) => {
    for (const [letter, answered] of [
      ['x', 10],
      ['…', 6],
    ] as const) {
      clear()
      const fake = new FakeSession(store, { runs: [(host) => new Workflows(host)] })
      const owner = fake.owner()
      fake.say(owner, { type: 'session-resume', lastSeq: 0, streams: [] })
      const steps = Array.from({ length: 10 }, (_, n) => ({ kind: 'ask' as const, id: `s${n}`, text: 'describe it', ...(n < 9 && { next: `s${n + 1}` }) }))
      fake.say(owner, { type: 'workflow-start', run: 'run1', graph: { name: 'long', version: 1, start: 's0', steps } })
      const backend = fake.backend()
      for (let n = 0; n < answered; n++) {
        await expect.poll(() => store.ask(`run1-s${n}`)).toBeDefined()
        const usage = { promptTokens: 0, answerTokens: 0, heads: 0, deviceMs: 0, totalMs: 0 }
        const text = letter.repeat(30_000)
        fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: `run1-s${n}`, finish: 'stop', text, usage }))
        fake.say(owner, { type: 'ack', seq: 0, received: owner.sent.length })
      }
      await expect.poll(() => store.run('run1')?.outcome).not.toBeNull()
      expect(owner.texts.at(-1)).toMatchObject({ type: 'workflow-ended', run: 'run1', finish: 'error', error: { code: 'too-large' } })
      expect(JSON.stringify(store.run('run1')?.outcome).length).toBeLessThan(300_000)
    }
  }))

test('a run as server-sent events brings its steps and their asks, and ends', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  const graph = workflow('one').count('cups', { query: 'cups' }).build()
  const response = await call(`/v1/sessions/${session}/workflows`, {
    method: 'POST',
    body: JSON.stringify({ run: 'run1', graph }),
    headers: { accept: 'text/event-stream' },
  })
  const types = Array.from((await response.text()).matchAll(/^event: (.*)$/gm), ([, type]) => type)
  expect(types).toEqual([
    'workflow-started',
    'ask-accepted',
    'answer-delta',
    'head-started',
    'head-result',
    'answer-ended',
    'workflow-step-ended',
    'workflow-ended',
  ])
})
