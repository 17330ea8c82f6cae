import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { ProtocolError } from '@fovea/protocol'
import type { WorkflowGraph } from '@fovea/protocol'
import { openSession } from '@fovea/sdk'
import type { EdgeRun, WorkflowEvent, WorkflowOutcome } from '@fovea/sdk'
import { video } from '@fovea/sdk/node'
import { inputsOf, validateGraph } from '@fovea/workflow'
import { Gate, gated } from '../gated.ts'
import { Progress } from '../progress.ts'
import { openSystem } from '../system.ts'
import type { SystemOptions } from '../system.ts'
import { withSystemOptions } from '../system-flags.ts'

type WorkflowOptions = SystemOptions & { video: string; input?: string[]; lead: number; json?: boolean; fps?: number; maxFps?: number }

/** `fovea workflow run|check`. */
export function workflowCommand(program: Command): void {
  const workflow = program.command('workflow').description('run a graph of visual steps at the edge')
  workflow.command('check').description('say whether a graph can run, and what it wants as input').argument('<file>', 'graph as JSON').action(check)
  withSystemOptions(workflow.command('run'))
    .description('check the graph, send the video, run the graph on it')
    .argument('<file>', 'graph as JSON')
    .requiredOption('--video <video>', 'as for ask')
    .option('--input <name=value...>', 'inputs of the graph')
    .option('--lead <s>', 'seconds of the video that are sent before the run starts', Number, 1)
    .option('--json', 'the run’s events, one a line')
    .option('--fps <n>', 'pictures a second of a folder or pipe', Number)
    .option('--max-fps <n>', 'at most so many pictures a second of a video file', Number, 8)
    .action(run)
}

async function check(file: string): Promise<void> {
  const graph = await readGraph(file)
  const inputs = inputsOf(graph)
  process.stdout.write(`${graph.name}: ${graph.steps.length} steps, can run${inputs.length > 0 ? `; inputs: ${inputs.join(', ')}` : ''}\n`)
}

async function run(file: string, options: WorkflowOptions): Promise<void> {
  const graph = await readGraph(file)
  const input = readInput(graph, options.input ?? [])
  const { fps, maxFps } = options
  const recording = await video(options.video, { ...(fps && { fps }), ...(maxFps && { maxFps }) })
  await using system = await openSystem(options)
  await using session = await openSession({ url: system.url, key: system.key, name: `workflow ${graph.name}` })
  const gate = new Gate()
  // The run looks at what has been seen by then, so it starts when the lead-in is on its way and its verdicts are in.
  const led = new Promise<void>((resolve) => {
    const source = gated(recording, gate, { leadMs: options.lead * 1000, onLead: resolve })
    const sending = session.send(source)
    sending.done.then(
      () => sending.close(),
      () => sending.close(),
    )
  })
  using progress = new Progress('Running')
  await led
  const started = session.runWorkflow(graph, input)
  const outcome = await follow(graph, started, gate, progress, options.json ?? false)
  progress.done()
  if (options.json) return failOn(outcome)
  process.stdout.write(`${outcome.finish === 'stop' ? 'done' : outcome.finish}: ${JSON.stringify(outcome.output)}\n`)
  failOn(outcome)
}

/** Prints the run as it goes. The recording is held while a step looks at the present, and flows while one follows or waits. */
async function follow(
  graph: WorkflowGraph,
  started: EdgeRun<WorkflowEvent, WorkflowOutcome>,
  gate: Gate,
  progress: Progress,
  json: boolean,
): Promise<WorkflowOutcome> {
  const kinds = new Map(graph.steps.map(({ id, kind }) => [id, kind]))
  const enter = (step: string | undefined) => {
    const kind = step === undefined ? undefined : kinds.get(step)
    progress.update(step ?? 'ending')
    gate.set(kind === 'follow' || kind === 'wait')
  }
  enter(graph.start)
  for await (const event of started) {
    if (json) process.stdout.write(`${JSON.stringify(event)}\n`)
    if (event.type === 'workflow-step-ended') {
      enter(event.next)
      if (!json) process.stdout.write(`${event.step.padEnd(20)} ${event.kind.padEnd(12)} ${(event.ms / 1000).toFixed(2)} s  ${brief(event.output)}\n`)
    }
    if (event.type === 'workflow-event' && !json) process.stdout.write(`* ${event.name} ${JSON.stringify(event.data)}\n`)
  }
  return started
}

function failOn({ error }: WorkflowOutcome): void {
  if (error) throw new ProtocolError(error.code, error.message, error)
}

/** Output of a step on one line; the evidence itself is in the session's log. */
function brief(output: WorkflowOutcome['output']): string {
  const text = Object.entries(output)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join('  ')
  return text.length > 160 ? `${text.slice(0, 159)}…` : text
}

async function readGraph(file: string): Promise<WorkflowGraph> {
  const text = await readFile(file, 'utf8')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new ProtocolError('invalid-message', `${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  return validateGraph(json)
}

/** `name=value` pairs; a value that is JSON is taken as such. */
function readInput(graph: WorkflowGraph, pairs: readonly string[]): WorkflowOutcome['output'] {
  const input: WorkflowOutcome['output'] = {}
  for (const pair of pairs) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (name === undefined) throw new ProtocolError('invalid-message', `--input takes name=value; "${pair}" came.`)
    try {
      input[name] = JSON.parse(value)
    } catch {
      input[name] = value
    }
  }
  const missing = inputsOf(graph).filter((name) => !(name in input))
  if (missing.length > 0) throw new ProtocolError('invalid-message', `${graph.name} wants ${missing.map((name) => `--input ${name}=…`).join(' ')}.`)
  return input
}
