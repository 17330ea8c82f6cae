import { openSession, type OutStream, type Session } from '@fovea/sdk'
import { takeOrders } from '../orders.ts'

/** Cameras that never wait: each puts `fps` pictures a second into its stream, whatever comes back. */
export type OverloadOrder = { url: string; key: string; sessions: number; fps: number; seconds: number; bytes: number }
export type OverloadReport = { sent: number; seen: number; dropped: number; replaced: number; ages: number[]; quietAges: number[] }

/** Frames sent one at a time before the storm: what a frame takes when nothing waits. */
const QUIET_FRAMES = 10

takeOrders<OverloadOrder>(async ({ url, key, sessions, fps, seconds, bytes }) => {
  const data = crypto.getRandomValues(new Uint8Array(bytes))
  const cameras = await Promise.all(Array.from({ length: sessions }, () => openSession({ url, key })))
  const runs = await Promise.all(cameras.map((session, index) => run(session, { fps, seconds, data, phase: index / sessions })))
  for (const session of cameras) await session.close()
  const sum = (of: (run: (typeof runs)[number]) => number) => runs.reduce((total, one) => total + of(one), 0)
  return {
    sent: sum(({ counts }) => counts.sent),
    seen: sum(({ counts }) => counts.seen),
    dropped: sum(({ counts }) => counts.dropped),
    replaced: sum(({ counts }) => counts.replaced),
    ages: runs.flatMap(({ ages }) => ages),
    quietAges: runs.flatMap(({ quietAges }) => quietAges),
  } satisfies OverloadReport
})

async function run(session: Session, { fps, seconds, data, phase }: { fps: number; seconds: number; data: Uint8Array; phase: number }) {
  const out = session.openStream({ policy: 'latest' })
  const ages: number[] = []
  const reading = (async () => {
    for await (const result of session.results()) if (result.type === 'frame-seen') ages.push(result.captureAgeMs)
  })()
  reading.catch(() => {})
  let taken = 0
  const put = () => void out.put({ data, codec: 'jpeg', width: 640, height: 480, mediaTime: taken++ * (1000 / fps) })
  for (let frame = 0; frame < QUIET_FRAMES; frame++) {
    put()
    await settled(out, frame + 1)
  }
  // The first frames may have waited for a backend to attach.
  const quietAges = ages.splice(0).slice(2)
  const start = performance.now()
  for (let due = start + (phase * 1000) / fps; due < start + seconds * 1000; due += 1000 / fps) {
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    put()
  }
  await out.drained()
  return { counts: out.counts, ages, quietAges }
}

async function settled(out: OutStream, count: number): Promise<void> {
  while (out.counts.seen + out.counts.dropped < count) await new Promise((resolve) => setTimeout(resolve, 2))
}
