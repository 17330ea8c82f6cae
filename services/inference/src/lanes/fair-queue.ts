/** What a queue needs to know of a job. `deadline` is checked when the job is taken, not while it waits. */
export type Job = { session: string; cost: number; deadline?: number }
export type QueueLimits = { total: number; perSession: number; quantum?: number }

/**
 * A bounded queue with deficit round robin over sessions: each turn gives every waiting session the same share, whatever it has queued, and a
 * session's own jobs keep their order. A full queue refuses; it never grows.
 */
export class FairQueue<Item extends Job> {
  // Insertion order is the order of turns.
  readonly #waiting = new Map<string, { jobs: Item[]; deficit: number }>()
  readonly #limits: Required<QueueLimits>
  #size = 0

  constructor({ total, perSession, quantum = 1 }: QueueLimits) {
    this.#limits = { total, perSession, quantum }
  }

  get size(): number {
    return this.#size
  }

  get sessions(): number {
    return this.#waiting.size
  }

  /** False where the queue, or this session's share of it, is full. */
  push(job: Item): boolean {
    const line = this.#waiting.get(job.session) ?? { jobs: [], deficit: 0 }
    if (this.#size >= this.#limits.total || line.jobs.length >= this.#limits.perSession) return false
    line.jobs.push(job)
    this.#waiting.set(job.session, line)
    this.#size++
    return true
  }

  /** Up to `max` jobs, at most `perSession` of one session; those whose deadline has passed come apart and are not to be run. */
  take(now: number, { max = Infinity, perSession = Infinity }: { max?: number; perSession?: number } = {}): { jobs: Item[]; late: Item[] } {
    const jobs: Item[] = []
    const late: Item[] = []
    const visited = new Set<string>()
    while (jobs.length < max) {
      const next = [...this.#waiting.keys()].find((session) => !visited.has(session))
      if (next === undefined) {
        // Every session was offered its share: go round again only if none had saved up enough for its first job.
        if (jobs.length > 0 || this.#size === 0) break
        visited.clear()
        continue
      }
      visited.add(next)
      this.#visit(next, now, { jobs, late, most: Math.min(perSession, max - jobs.length) })
    }
    return { jobs, late }
  }

  /** Takes out the jobs that match, wherever they wait. */
  remove(matches: (job: Item) => boolean): Item[] {
    const removed: Item[] = []
    for (const [session, line] of this.#waiting) {
      const stay: Item[] = []
      for (const job of line.jobs) (matches(job) ? removed : stay).push(job)
      line.jobs = stay
      if (stay.length === 0) this.#waiting.delete(session)
    }
    this.#size -= removed.length
    return removed
  }

  #visit(session: string, now: number, { jobs, late, most }: { jobs: Item[]; late: Item[]; most: number }): void {
    const line = this.#waiting.get(session)
    if (!line) return
    line.deficit += this.#limits.quantum
    let taken = 0
    while (taken < most) {
      const job = line.jobs[0]
      if (!job) break
      const passed = job.deadline !== undefined && job.deadline < now
      if (!passed && job.cost > line.deficit) break
      line.jobs.shift()
      this.#size--
      if (passed) {
        late.push(job)
        continue
      }
      line.deficit -= job.cost
      taken++
      jobs.push(job)
    }
    this.#waiting.delete(session)
    // To the end of the round; a session that has nothing left saves nothing up.
    if (line.jobs.length > 0) this.#waiting.set(session, { jobs: line.jobs, deficit: Math.min(line.deficit, this.#limits.quantum * 16) })
  }
}
