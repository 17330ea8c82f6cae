import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { ProtocolError } from '@fovea/protocol'
import type { WorkflowGraph } from '@fovea/protocol'
import { openSession } from '@fovea/sdk'
import type { EdgeRun, WorkflowEvent, WorkflowOutcome } from '@fovea/sdk'
import { inputsOf, validateGraph } from '@fovea/workflow'
import { HeldRecording } from '../held-recording.ts'
import { numberFlag } from '../number-flag.ts'
import { Progress } from '../progress.ts'
import { openRecording, withRecordingOptions } from '../recording.ts'
import type { RecordingOptions } from '../recording.ts'
import { openSystem } from '../system.ts'
import type { SystemOptions } from '../system.ts'
import { withSystemOptions } from '../system-flags.ts'

type WorkflowOptions = SystemOptions & RecordingOptions & { video: string; input?: string[]; lead: number; json?: boolean }

/** `fovea workflow run|check`. */
export function workflowCommand(program: Command): void {
  const workflow = program.command('workflow').description('run a graph of visual steps at the edge')
  workflow.command('check').description('say whether a graph can run, and what it wants as input').argument('<file>', 'graph as JSON').action(check)
  withSystemOptions(withRecordingOptions(workflow.command('run')))
    .description('check the graph, send the video, run the graph on it')
    .argument('<file>', 'graph as JSON')
    .requiredOption('--video <video>', 'as for ask')
    .option('--input <name=value>', 'an input of the graph; again for the next', (value: string, before: string[] = []) => [...before, value])
    .option(
      '--lead <s>',
      'seconds of the video that are sent before the run starts; the rest is sent while a step follows or waits',
      numberFlag({ atLeast: 0 }),
      1,
    )
    .option('--json', 'the run’s events, one a line')
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
  const recording = await openRecording(options.video, options)
  await using system = await openSystem(options)
  await using session = await openSession({ url: system.url, key: system.key, name: `workflow ${graph.name}` })
  using progress = new Progress('Running')
  const held = new HeldRecording(session, recording, options.lead * 1000)
  await held.led
  const kinds = new Map(graph.steps.map(({ id, kind }) => [id, kind]))
  const enter = (step: string | undefined) => {
    progress.update(step ?? 'ending')
    if (step !== undefined && kinds.get(step) === 'wait') held.flow()
    else held.hold()
  }
  // Heard as they come and not as they are printed: a track may have been started by then, and its step be over.
  session.on('message', (message) => {
    if (message.type === 'workflow-step-ended') enter(message.next)
    else if (message.type === 'track-started') held.follow()
  })
  enter(graph.start)
  const outcome = await print(session.runWorkflow(graph, input), options.json ?? false)
  progress.done()
  if (held.ranOut)
    process.stderr.write(
      `The recording was over while a step followed in it. A longer one, or a smaller --lead than ${options.lead}, gives it more to follow.\n`,
    )
  if (!options.json) process.stdout.write(`${outcome.finish === 'stop' ? 'done' : outcome.finish}: ${JSON.stringify(outcome.output)}\n`)
  failOn(outcome)
}

/** Prints the run as it goes. */
async function print(started: EdgeRun<WorkflowEvent, WorkflowOutcome>, json: boolean): Promise<WorkflowOutcome> {
  for await (const event of started) {
    if (json) process.stdout.write(`${JSON.stringify(event)}\n`)
    if (event.type === 'workflow-step-ended' && !json)
      process.stdout.write(`${event.step.padEnd(20)} ${event.kind.padEnd(12)} ${(event.ms / 1000).toFixed(2)} s  ${brief(event.output)}\n`)
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
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ProtocolError(
      'not-found',
      `${file} is no graph: ${error.code === 'ENOENT' ? 'there is no such file' : error.code === 'EISDIR' ? 'it is a folder' : error.message}.`,
    )
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new ProtocolError('invalid-message', `${file} is no JSON: ${(error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ')}`)
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
