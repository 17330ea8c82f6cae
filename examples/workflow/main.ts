// A workflow at the edge: locate, branch on what was found, follow, tell. The graph is JSON, or TypeScript that makes the same JSON.
//
//   npx node examples/workflow/main.ts
//   npx fovea workflow run examples/workflow/follow-when-there.json --video samples/lookalikes.webp --input thing=scooter
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { openHouse } from '@fovea/cli'
import { openSession, paced, video } from '@fovea/sdk/node'
import { validateGraph, workflow } from '@fovea/workflow'

const graph = workflow('follow-when-there')
  .locate('find', { query: '{{input.thing}}' })
  .branch('any', { on: 'find.count', when: [{ op: '>=', value: 1, next: 'watch' }], otherwise: 'none' })
  .follow('watch', { from: 'find', forMs: 1000 })
  .event('told', { name: 'followed', data: { thing: '{{input.thing}}', evidence: '{{find.evidence}}', frames: '{{watch.frames}}' } })
  .end()
  .event('none', { name: 'not-in-view', data: { thing: '{{input.thing}}' } })
  .build()
assert.deepEqual(validateGraph(JSON.parse(await readFile(new URL('follow-when-there.json', import.meta.url), 'utf8'))), graph)

await using house = await openHouse({ studio: false })
await house.ready
await using session = await openSession(house)
const camera = session.send(paced(await video('samples/lookalikes.webp'), { speed: 0.5 }))
void camera.done.then(() => camera.close())

// A run looks at the present, so it is started when the thing is there: a standing query tells.
const scooter = session.watch('scooter')
for await (const { perception, mediaTime } of scooter) {
  if (!perception.regions?.length) continue
  console.log(`in view at ${(mediaTime / 1000).toFixed(2)} s`)
  break
}
scooter.stop()

const run = session.runWorkflow(graph, { thing: 'scooter' })
for await (const event of run) {
  if (event.type === 'workflow-step-ended') console.log(event.step.padEnd(8), JSON.stringify(event.output))
  if (event.type === 'workflow-event') console.log('*', event.name, event.data)
}
const { finish, output } = await run
camera.close()
assert.equal(finish, 'stop')
// What was found decides the way, and each step hands its evidence to the next.
const { find, any, watch, told } = output
assert.ok(find && typeof find === 'object' && 'evidence' in find && 'count' in find)
assert.deepEqual(any, { value: find.count, went: 'watch' })
assert.ok(watch && typeof watch === 'object' && 'frames' in watch && Number(watch.frames) > 1)
assert.ok(told)
assert.equal((await session.recall(String(find.evidence)))?.query, 'scooter')
console.log('ok')
