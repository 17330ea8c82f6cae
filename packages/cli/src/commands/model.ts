import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { tasksOf } from '@fovea/protocol'
import { checkFiles, EMBEDDED_BUNDLE, readManifest } from '../bundle.ts'
import { contactSheet } from '../contact-sheet.ts'
import { evaluate } from '../evaluate.ts'
import { readClips } from '../evaluation-folder.ts'
import { asMarkdown, metrics, worthOf } from '../metrics/table.ts'
import { Progress } from '../progress.ts'

const WORST = 20

/** `fovea model inspect|eval`. */
export function modelCommand(program: Command): void {
  const model = program.command('model').description('look into a model bundle, or measure it')
  model
    .command('inspect')
    .description('what a bundle is, and whether its files are whole')
    .argument('[bundle]', 'bundle folder', EMBEDDED_BUNDLE)
    .option('--json')
    .action(inspect)
  model
    .command('eval')
    .description('run an evaluation folder through the serving code and print the metrics')
    .argument('<paths...>', '[bundle] and the evaluation folder; the embedded bundle where only the folder is given')
    .option('--json', 'the table as JSON, the last line of the output')
    .option('--records <file>', 'write what was expected and what came, one ask a line')
    .option('--sheet <file>', 'write the worst twenty as one PNG')
    .option('--providers <list>', 'execution providers, such as cuda,cpu')
    .option('--limit <n>', 'only the first clips', Number)
    .action(evaluateFolder)
}

async function inspect(folder: string, { json }: { json?: boolean }): Promise<void> {
  const manifest = await readManifest(folder)
  const files = await checkFiles(folder, manifest)
  const ok = files.every(({ problem }) => !problem)
  const tasks = tasksOf(manifest)
  if (json)
    process.stdout.write(
      `${JSON.stringify({ ok, name: manifest.name, version: manifest.version, licence: manifest.licence, tasks, image: manifest.image, sampling: manifest.sampling, heads: manifest.heads.map(({ task, standing, token, threshold }) => ({ task, standing, token, threshold })), files, metrics: manifest.metrics })}\n`,
    )
  else {
    const { name, version, licence, image, sampling, language, heads } = manifest
    process.stdout.write(`${name} ${version} (${licence})\n${manifest.description ? `${manifest.description}\n` : ''}`)
    process.stdout.write(
      `sees    ${image.size[1]} x ${image.size[0]}, ${sampling.frames} frames ${sampling.everyMs} ms apart\nspeaks  ${language.vocabulary} tokens, width ${language.width}, ${language.kv.layers} layers\n`,
    )
    for (const { task, standing, token, threshold } of heads)
      process.stdout.write(`head    ${task.padEnd(7)} ${token.trigger} → ${token.task}, threshold ${threshold}${standing ? ', standing' : ''}\n`)
    for (const { file, bytes, problem } of files) process.stdout.write(`file    ${file} ${(bytes / 1e6).toFixed(2)} MB ${problem ?? 'whole'}\n`)
    for (const [metric, value] of Object.entries(manifest.metrics ?? {})) process.stdout.write(`metric  ${metric} ${value}\n`)
  }
  if (!ok)
    throw new Error(
      `${folder} is damaged: ${files
        .filter(({ problem }) => problem)
        .map(({ file, problem }) => `${file}: ${problem}`)
        .join('; ')}`,
    )
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
