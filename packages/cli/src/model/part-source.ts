import { readFile, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { BundlePart, HeadManifest, type BundleManifest } from '@fovea/protocol'
import { z } from 'zod'
import { readManifest } from '../bundle.ts'
import { sha256Of, whyUnreadable } from '../file-hash.ts'
import { publishedPart } from './published-part.ts'

/** A head that is to go into a bundle: its manifest row, the folder its files lie in, their hashes, where it comes from. */
export type HeadSource = {
  folder: string
  head: HeadManifest
  hashes: Readonly<Record<string, string>>
  part: BundlePart
  from: BundlePart[]
  /** the bundle whose phrases it was taught, name and version */
  taught?: string
  /** what a head can do and what it lacks, where its files were published by others */
  says?: { does: string[]; lacks: string[] }
}

/** `TASK.json`: a head by itself, as the trainer exports one without a backbone, or as published files were taken in. */
const LooseHead = z.object({
  family: z.string(),
  head: HeadManifest,
  hashes: z.record(z.string(), z.string()),
  parts: z.array(BundlePart).default([]),
  taught: z.string().optional().describe('name and version of the bundle whose phrases it knows'),
  does: z.array(z.string()).optional(),
  lacks: z.array(z.string()).optional(),
})

/** The head of a task out of a folder: a whole bundle, a head by itself, or a mask head as others publish it. Every file is read and its hash compared. */
export async function headSource(folder: string, task: HeadManifest['task']): Promise<HeadSource> {
  const root = resolve(folder)
  const loose = await readFile(join(root, `${task}.json`), 'utf8').catch(() => undefined)
  const source = loose === undefined ? await ofFolder(root, task) : ofLoose(root, task, loose)
  for (const file of filesOfHead(source.head)) await sameHash(root, file, source.hashes[file])
  return source
}

function ofLoose(folder: string, task: HeadManifest['task'], text: string): HeadSource {
  const parsed = LooseHead.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Error(`${join(folder, `${task}.json`)} is no head that this version reads: ${z.prettifyError(parsed.error)}`)
  const { family, head, hashes, parts, taught, does, lacks } = parsed.data
  if (head.task !== task) throw new Error(`${folder} holds a head for ${head.task}; one for ${task} is wanted.`)
  return {
    folder,
    head,
    hashes,
    part: { name: family, source: parts[0]?.source ?? family, licence: licences(parts), role: task },
    from: parts,
    ...(taught && { taught }),
    ...(does && lacks && { says: { does, lacks } }),
  }
}

async function ofFolder(folder: string, task: HeadManifest['task']): Promise<HeadSource> {
  const files = await readdir(folder).catch((): string[] => [])
  const published = !files.includes('manifest.json') && files.some((file) => file.endsWith('.onnx') || file === 'onnx')
  return published && task === 'mask' ? ofPublished(folder) : ofBundle(folder, task)
}

async function ofPublished(folder: string): Promise<HeadSource> {
  const { layout, head, does, lacks } = await publishedPart(folder)
  const hashes = Object.fromEntries(await Promise.all(filesOfHead(head).map(async (file) => [file, await hashOf(folder, file)] as const)))
  const part = { name: layout, source: `ONNX files of the layout ${layout}`, licence: 'as their publisher says', role: 'mask' as const }
  return { folder, head, hashes, part, from: [], says: { does, lacks } }
}

async function ofBundle(folder: string, task: HeadManifest['task']): Promise<HeadSource> {
  const manifest = await readManifest(folder)
  const head = manifest.heads.find((each) => each.task === task)
  if (!head) throw new Error(`${manifest.name} in ${folder} has no head for ${task}; it has ${manifest.heads.map((each) => each.task).join(', ') || 'none'}.`)
  const { name, version, licence, hashes, parts = [] } = manifest
  return { folder, head, hashes, part: { name: `${task} head of ${name}`, source: `bundle ${name} ${version}`, licence, role: task }, from: parts }
}

export function filesOfHead(head: HeadManifest): string[] {
  return Object.values(head.graphs).flatMap((graph) => (graph ? [graph.file, ...(graph.data ?? [])] : []))
}

export function licences(parts: readonly { licence: string }[]): string {
  return [...new Set(parts.map(({ licence }) => licence))].join(' AND ') || 'unknown'
}

/** Files of a bundle but its heads': what a backbone is. */
export function filesOfBackbone({ graphs, tokenizer }: BundleManifest): string[] {
  return [tokenizer, ...Object.values(graphs).flatMap((graph) => (graph ? [graph.file, ...(graph.data ?? [])] : []))]
}

export async function sameHash(folder: string, file: string, expected: string | undefined): Promise<void> {
  if (!expected) throw new Error(`${join(folder, file)} has no hash in its manifest. Export it again.`)
  const found = await hashOf(folder, file)
  if (found !== expected)
    throw new Error(`${join(folder, file)}: SHA-256 ${expected.slice(0, 12)}… expected, ${found.slice(0, 12)}… found. Copy or export it again.`)
}

export async function hashOf(folder: string, file: string): Promise<string> {
  const path = join(folder, file)
  return sha256Of(path).catch((cause: unknown) => {
    throw new Error(`${path} is named in the manifest: ${whyUnreadable(cause)}. Copy or export it again.`, { cause })
  })
}
