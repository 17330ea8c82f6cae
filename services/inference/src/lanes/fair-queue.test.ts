import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairQueue, type Job } from './fair-queue.ts'

type Numbered = Job & { number: number }
const jobs = fc.array(fc.record({ session: fc.constantFrom('a', 'b', 'c'), cost: fc.integer({ min: 1, max: 5 }) }), { maxLength: 60 })
const numbered = (list: Job[]): Numbered[] => list.map((job, number) => ({ ...job, number }))
const drain = (queue: FairQueue<Numbered>, options = {}) => {
  const taken: Numbered[][] = []
  while (queue.size > 0) taken.push(queue.take(0, options).jobs)
  return taken
}

test('nothing is lost, nothing comes twice, and a session keeps its order', () => {
  fc.assert(
    fc.property(jobs, fc.integer({ min: 1, max: 4 }), (list, max) => {
      const queue = new FairQueue<Numbered>({ total: 100, perSession: 100 })
      const all = numbered(list)
      for (const job of all) expect(queue.push(job)).toBe(true)
      const out = drain(queue, { max }).flat()
      expect(out.toSorted((a, b) => a.number - b.number)).toEqual(all)
      for (const session of ['a', 'b', 'c']) {
        const own = out.filter((job) => job.session === session).map((job) => job.number)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
    }),
  )
})

test('a session that floods gets no more than its share while another waits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (costA, costB) => {
      const queue = new FairQueue<Job>({ total: 1000, perSession: 500 })
      for (let index = 0; index < 200; index++) queue.push({ session: 'a', cost: costA })
      for (let index = 0; index < 100; index++) queue.push({ session: 'b', cost: costB })
      const spent = { a: 0, b: 0 }
      for (let index = 0; index < 100; index++) for (const job of queue.take(0, { max: 1 }).jobs) spent[job.session === 'a' ? 'a' : 'b'] += job.cost
      // Deficit round robin: the difference never exceeds what one turn can save up.
      expect(Math.abs(spent.a - spent.b)).toBeLessThanOrEqual(costA + costB + 2)
    }),
  )
})

test('at most one job of a session in a batch where that is asked', () => {
  const queue = new FairQueue<Numbered>({ total: 100, perSession: 100 })
  for (const job of numbered([
    { session: 'a', cost: 1 },
    { session: 'a', cost: 1 },
    { session: 'b', cost: 1 },
  ]))
    queue.push(job)
  expect(queue.take(0, { perSession: 1 }).jobs.map((job) => job.number)).toEqual([0, 2])
  expect(queue.take(0, { perSession: 1 }).jobs.map((job) => job.number)).toEqual([1])
})

test('a full queue refuses, for all and for one session', () => {
  const queue = new FairQueue<Job>({ total: 3, perSession: 2 })
  expect([queue.push({ session: 'a', cost: 1 }), queue.push({ session: 'a', cost: 1 }), queue.push({ session: 'a', cost: 1 })]).toEqual([true, true, false])
  expect([queue.push({ session: 'b', cost: 1 }), queue.push({ session: 'c', cost: 1 })]).toEqual([true, false])
})

test('a deadline is checked when the job is taken: late ones come apart and cost nothing', () => {
  const queue = new FairQueue<Numbered>({ total: 10, perSession: 10 })
  for (const job of numbered([
    { session: 'a', cost: 1, deadline: 5 },
    { session: 'a', cost: 1, deadline: 20 },
  ]))
    queue.push(job)
  const { jobs: taken, late } = queue.take(10, { max: 1 })
  expect([taken.map((job) => job.number), late.map((job) => job.number), queue.size]).toEqual([[1], [0], 0])
})
