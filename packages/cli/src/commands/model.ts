import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { EMBEDDED_BUNDLE, readManifest } from '../bundle.ts'
import { contactSheet } from '../contact-sheet.ts'
import { evaluate } from '../evaluate.ts'
import { readClips } from '../evaluation-folder.ts'
import { asMarkdown, metrics, worthOf } from '../metrics/table.ts'
import { numberFlag } from '../number-flag.ts'
import { Progress } from '../progress.ts'
import { composeCommand } from './model-compose.ts'
import { importCommand } from './model-import.ts'
import { inspectCommand } from './model-inspect.ts'

const WORST = 20

/** `fovea model inspect|compose|import|eval`. */
export function modelCommand(program: Command): void {
  const model = program.command('model').description('look into a model bundle, put one together, take published weights in, measure')
  for (const add of [inspectCommand, composeCommand, importCommand]) add(model)
  model
    .command('eval')
    .description('run an evaluation folder through the serving code and print the metrics')
    .argument('<paths...>', '[bundle] and the evaluation folder; the embedded bundle where only the folder is given')
    .option('--json', 'the table as JSON, the last line of the output')
    .option('--records <file>', 'write what was expected and what came, one ask a line')
    .option('--sheet <file>', 'write the worst twenty as one PNG')
    .option('--providers <list>', 'execution providers, such as cuda,cpu')
    .option('--limit <n>', 'only the first clips', numberFlag({ atLeast: 1, whole: true }))
    .action(evaluateFolder)
}

type EvalOptions = { json?: boolean; records?: string; sheet?: string; providers?: string; limit?: number }

async function evaluateFolder(paths: string[], { json, records: recordsFile, sheet, providers, limit }: EvalOptions): Promise<void> {
  const folder = paths.at(-1)
  if (folder === undefined || paths.length > 2)
    throw new Error('model eval takes an evaluation folder, and a bundle before it where it is not the embedded one.')
  const bundle = paths.length === 2 ? (paths[0] ?? EMBEDDED_BUNDLE) : EMBEDDED_BUNDLE
  const manifest = await readManifest(bundle)
  const clips = await readClips(folder)
  const progress = new Progress('Evaluating')
  const records = await evaluate({
    bundle,
    folder,
    ...(providers && { providers }),
    ...(limit && { limit }),
    onProgress: (done, total) => progress.update(`${done}${total ? ` of ${total}` : ''} asks`),
  }).finally(() => progress.done())
  const table = metrics(records)
  if (recordsFile) await writeFile(recordsFile, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  if (sheet) {
    const worst = records
      .map((record) => ({ record, worth: worthOf(record) }))
      .toSorted((a, b) => a.worth - b.worth)
      .slice(0, WORST)
    await writeFile(
      sheet,
      await contactSheet(
        worst.map(({ record }) => record),
        clips,
        folder,
      ),
    )
  }
  if (json) process.stdout.write(`${JSON.stringify({ bundle: manifest.name, version: manifest.version, asks: records.length, metrics: table })}\n`)
  else process.stdout.write(`${manifest.name} ${manifest.version}, ${records.length} asks\n\n${asMarkdown(table)}`)
}
