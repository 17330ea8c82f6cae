import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { tasksOf } from '@fovea/protocol'
import { checkFiles, EMBEDDED_BUNDLE, readManifest } from '../bundle.ts'
import { devices, fits, worthTelling } from '../model/devices.ts'
import { graphSizes } from '../model/graph-sizes.ts'
import { inspectHead } from '../model/inspect-head.ts'
import { inspectBundle } from '../model/inspect-process.ts'
import type { Inspection } from '../model/inspect-process.ts'
import { numberFlag } from '../number-flag.ts'

/** `fovea model inspect`. */
export function inspectCommand(model: Command): void {
  model
    .command('inspect')
    .description('what a bundle is: graphs, tokens, licences, memory, where it fits; whether its files are whole')
    .argument('[bundle]', 'bundle folder', EMBEDDED_BUNDLE)
    .option('--slots <n>', 'answers at once, for the memory', numberFlag({ atLeast: 1, whole: true }), 8)
    .option('--load', 'load it too, and run every head once')
    .option('--json', 'all of it as JSON, every file with its check')
    .action(inspect)
}

async function inspect(folder: string, { json, load, slots }: { json?: boolean; load?: boolean; slots: number }): Promise<void> {
  if (!existsSync(join(folder, 'manifest.json'))) return inspectHead(folder, { json: json ?? false })
  const manifest = await readManifest(folder)
  const files = await checkFiles(folder, manifest)
  const broken = files.filter(({ problem }) => problem)
  const ok = broken.length === 0
  const tasks = tasksOf(manifest)
  const graphs = graphSizes(manifest, files)
  const found = ok ? await inspectBundle(folder, { ...(load && { load }), slots }) : undefined
  const need = { cpu: found?.need.bytes ?? 0, gpu: found?.gpuBytes ?? 0 }
  const places = found ? (await devices(found.machineBytes)).map((device) => ({ ...device, fits: fits(device, need) })) : []
  const tokens = { frames: manifest.sampling.frames, perUnit: manifest.vision.tokens, slot: manifest.language.kv.max }
  if (json)
    process.stdout.write(
      `${JSON.stringify({ ok, name: manifest.name, version: manifest.version, licence: manifest.licence, tasks, image: manifest.image, sampling: manifest.sampling, heads: manifest.heads.map(({ task, standing, token, threshold }) => ({ task, standing, token, threshold })), files, graphs, tokens, parts: manifest.parts, ...(found && { memory: found.need, memoryOnGpu: found.gpuBytes, misfits: found.misfits, loadMs: found.loadMs }), devices: places, metrics: manifest.metrics })}\n`,
    )
  else {
    const { name, version, licence, image, sampling, language, heads, vision, parts = [] } = manifest
    const lines = [
      `${name} ${version} (${licence})`,
      ...(manifest.description ? [manifest.description] : []),
      `sees    ${image.size[1]} x ${image.size[0]}, ${sampling.frames} frames ${sampling.everyMs} ms apart, ${vision.tokens} tokens a ${vision.unit}`,
      `speaks  ${language.vocabulary} tokens, width ${language.width}, ${language.kv.layers} layers; a slot holds ${language.kv.max} positions (${megabytes(found?.need.slotBytes ?? 0)}), ${language.kv.mode}`,
      ...heads.map(
        ({ task, standing, token, threshold, phrases }) =>
          `head    ${task.padEnd(7)} ${token.trigger} → ${token.task}, threshold ${threshold}${standing ? ', standing' : ''}${phrases === false ? ', boxes and points only' : ''}`,
      ),
      ...graphs.map(
        (graph) => `graph   ${graph.name.padEnd(18)} ${megabytes(graph.bytes).padStart(9)}  ${graph.inputs.join(', ')} → ${graph.outputs.join(', ')}`,
      ),
      ...parts.map((part) => `part    ${part.role ? `${part.role}: ` : ''}${part.name}, ${part.licence}, from ${part.source}`),
      ...memoryLines(found?.need.lines ?? []),
      ...(found
        ? [`memory  ${megabytes(found.need.bytes).padStart(9)}  in all, at the highest, with ${found.slots} slots; ${megabytes(found.gpuBytes)} on a GPU`]
        : []),
      ...worthTelling(places, need).map((place) => `device  ${place.name}: ${place.fits}`),
      ...(found?.loadMs !== undefined ? [`loaded  in ${found.loadMs} ms${found.misfits.length === 0 ? ', every head ran' : ''}`] : []),
      ...broken.map(({ file, problem }) => `file    ${file}: ${problem}`),
      `files   ${files.length - broken.length} of ${files.length} whole, ${megabytes(files.reduce((sum, { bytes }) => sum + bytes, 0))}`,
      ...Object.entries(manifest.metrics ?? {}).map(([metric, value]) => `metric  ${metric} ${value}`),
    ]
    process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  }
  if (!ok) throw new Error(`${folder} is damaged: ${broken.map(({ file, problem }) => `${file}: ${problem}`).join('; ')}`)
  if (found && found.misfits.length > 0) throw new Error(`The parts of ${folder} do not fit one another: ${found.misfits.join(' ')}`)
}

const MEGABYTE = 1024 * 1024

/** What takes a megabyte or more each, and the rest together. */
function memoryLines(lines: Inspection['need']['lines']): string[] {
  const small = lines.filter(({ bytes }) => bytes < MEGABYTE)
  return [
    ...lines.filter(({ bytes }) => bytes >= MEGABYTE).map((line) => `memory  ${megabytes(line.bytes).padStart(9)}  ${line.what}: ${line.how}`),
    ...(small.length > 0 ? [`memory  ${megabytes(small.reduce((sum, { bytes }) => sum + bytes, 0)).padStart(9)}  ${small.length} smaller parts`] : []),
  ]
}

function megabytes(bytes: number): string {
  if (bytes < MEGABYTE / 100) return `${Math.ceil(bytes / 1024)} kB`
  return `${(bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 2 : 0)} MB`
}
