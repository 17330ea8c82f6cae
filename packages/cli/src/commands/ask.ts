import type { Command } from 'commander'
import type { Answer, Box, EdgeMessage } from '@fovea/protocol'
import { openSession, ProtocolError } from '@fovea/sdk'
import type { Session } from '@fovea/sdk'
import { askAt, readWhen } from '../ask-at.ts'
import type { When } from '../ask-at.ts'
import { addBox } from '../box-flag.ts'
import { describeEvidence } from '../describe-evidence.ts'
import { makeFolder } from '../make-folder.ts'
import { Progress } from '../progress.ts'
import { openRecording, withRecordingOptions } from '../recording.ts'
import type { RecordingOptions } from '../recording.ts'
import { saveOverlays } from '../save-overlays.ts'
import { sendVideo } from '../send-video.ts'
import { openSystem } from '../system.ts'
import type { SystemOptions } from '../system.ts'
import { withSystemOptions } from '../system-flags.ts'
import { addTasks } from '../task-flag.ts'
import { words } from '../words-argument.ts'

export type AskOptions = SystemOptions &
  RecordingOptions & {
    at: When
    json?: boolean
    save?: string
    task?: ('region' | 'mask' | 'moment')[]
    box?: Box[]
  }

/** `fovea ask VIDEO QUESTION`. */
export function askCommand(program: Command): void {
  withSystemOptions(withRecordingOptions(program.command('ask')))
    .description('ask about a video: words as they come, with the evidence under them')
    .argument('<video>', 'mp4, webm, gif, webp, a folder of pictures, one picture, or - for concatenated JPEG on stdin')
    .argument('<question>', 'a question in plain words; with --task the bare phrase', words)
    .option('--at <when>', 'all, now, a time such as 2.5 (s), or a range such as 1-3; all where it is not given', readWhen, 'all')
    .option('--task <tasks>', 'force heads: region, mask, moment; several with commas or each with its own --task', addTasks)
    .option('--box <x0,y0,x1,y1>', 'what <box> in the question stands for, 0–1 from the top left; again for the next', addBox)
    .option('--json', 'the protocol’s events, one a line')
    .option('--save <dir>', 'write the evidence as PNG overlays')
    .action(ask)
}

export async function ask(path: string, question: string, options: AskOptions): Promise<void> {
  const recording = await openRecording(path, options)
  if (options.save) await makeFolder(options.save, 'the folder of the overlays')
  await using system = await openSystem(options)
  await using session = await openSession({ url: system.url, key: system.key, name: 'fovea ask' })
  if (options.json) session.on('message', printEvent)
  const frames = await sendVideo(session, recording)
  const answer = session.ask(question, {
    at: askAt(options.at, frames),
    ...(options.task && { tasks: options.task }),
    ...(options.box && { boxes: options.box }),
  })
  if (options.json) await answer
  else await printAnswer(answer)
  if (options.save) await save(session, answer, options.save, options.json ?? false)
  const { error } = await answer
  if (error) throw new ProtocolError(error.code, error.message, error)
}

async function printAnswer(answer: Answer): Promise<void> {
  using progress = new Progress('Thinking')
  let wrote = false
  for await (const event of answer) {
    if (event.type !== 'answer-delta') continue
    progress.done()
    process.stdout.write(event.text)
    wrote = true
  }
  const { evidence, text } = await answer
  if (!wrote && text) process.stdout.write(text)
  if (wrote || text) process.stdout.write('\n')
  for (const one of evidence) process.stdout.write(`  ${describeEvidence(one)}\n`)
}

async function save(session: Session, answer: Answer, folder: string, quiet: boolean): Promise<void> {
  const { evidence } = await answer
  const files = await saveOverlays(session, evidence, folder)
  if (!quiet) for (const file of files) process.stdout.write(`  saved ${file}\n`)
}

/** Durable events only: what is logged at the edge is what a program would want to keep. */
function printEvent(message: EdgeMessage): void {
  if ('at' in message) process.stdout.write(`${JSON.stringify(message)}\n`)
}
