import { ProtocolError, toProtocolError, WorkflowGraph } from '@fovea/protocol'
import { advance, beginRun, validateGraph } from '@fovea/workflow'
import type { RunState } from '@fovea/workflow'
import type { SessionReset } from '@fovea/protocol'
import { z } from 'zod'
import type { RunRow } from '../store/session-store.ts'
import { RunBook } from './run-book.ts'
import type { RunHost, RunMessage, Runs } from './runs.ts'

const LIMIT = 8

const Body = z.object({ run: z.string(), graph: WorkflowGraph, input: z.record(z.string(), z.json()).optional() })
type Body = z.infer<typeof Body>

const Outputs = z.record(z.string(), z.record(z.string(), z.json()))
/** How far a run is, as it is stored. */
const State: z.ZodType<RunState> = z.object({
  input: z.record(z.string(), z.json()),
  outputs: Outputs,
  next: z.string().optional(),
  noted: z.json().optional(),
})

export function describeWorkflow({ id, body, outcome }: RunRow): SessionReset['state']['workflows'][number] {
  return { run: id, name: Body.parse(body).graph.name, ended: outcome !== null }
}

/** Workflow runs inside the session: each step's result is written with the state that follows from it, so that a run goes on wherever this object wakes. */
export class Workflows implements Runs {
  readonly #host: RunHost
  readonly #book: RunBook

  constructor(host: RunHost) {
    this.#host = host
    this.#book = new RunBook(host, { kind: 'workflow', limit: LIMIT })
  }

  get busy(): boolean {
    return this.#book.busy
  }

  handle(message: RunMessage): boolean {
    if (message.type === 'workflow-start') {
      const { type: _, ...body } = message
      const graph = validateGraph(body.graph)
      const state = beginRun(graph, body.input)
      if (this.#book.begin(body.run, body, { type: 'workflow-started', run: body.run, name: graph.name }, state)) this.#go(body, state)
      return true
    }
    if (message.type !== 'workflow-cancel') return false
    if (!this.#book.row(message.run)) throw new ProtocolError('unknown-id', `There is no run ${message.run} in this session.`)
    this.#cancel(message.run)
    return true
  }

  resume(): void {
    for (const row of this.#book.unfinished()) this.#go(Body.parse(row.body), State.parse(row.state))
  }

  deadline(run: string): boolean {
    const row = this.#book.due(run)
    if (row) this.#go(Body.parse(row.body), State.parse(row.state))
    return row !== undefined
  }

  end(): void {
    for (const row of this.#book.unfinished()) this.#cancel(row.id)
  }

  #cancel(run: string): void {
    this.#book.finish(run, { type: 'workflow-ended', run, finish: 'cancelled', output: this.#outputs(run) })
  }

  #go({ run, graph }: Body, from: RunState): void {
    this.#book.work(run, async (signal) => {
      try {
        const { state, until } = await advance(graph, from, {
          run,
          session: this.#host.vision,
          signal,
          now: () => this.#host.context.now(),
          journal: {
            ended: (step, reached) => this.#book.keep(run, { type: 'workflow-step-ended', run, ...step }, reached),
            noted: (reached) => this.#book.note(run, reached),
            told: (event, reached) => this.#book.keep(run, { type: 'workflow-event', run, ...event }, reached),
          },
        })
        if (until === undefined) this.#book.finish(run, { type: 'workflow-ended', run, finish: 'stop', output: state.outputs })
        else if (this.#book.isOpen(run)) this.#host.wakeAt(run, until)
      } catch (thrown) {
        this.#book.finish(run, { type: 'workflow-ended', run, finish: 'error', output: this.#outputs(run), error: toProtocolError(thrown).body() })
      }
    })
  }

  #outputs(run: string): RunState['outputs'] {
    const state = State.safeParse(this.#book.row(run)?.state)
    return state.success ? state.data.outputs : {}
  }
}
