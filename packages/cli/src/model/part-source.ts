import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { BundlePart, HeadManifest, type BundleManifest } from '@fovea/protocol'
import { z } from 'zod'
import { readManifest } from '../bundle.ts'

/** A head that is to go into a bundle: its manifest row, the folder its files lie in, their hashes, where it comes from. */
export type HeadSource = { folder: string; head: HeadManifest; hashes: Readonly<Record<string, string>>; part: BundlePart; from: BundlePart[] }

/** `TASK.json`: a head by itself, as the trainer exports one without a backbone. */
const LooseHead = z.object({ family: z.string(), head: HeadManifest, hashes: z.record(z.string(), z.string()), parts: z.array(BundlePart).default([]) })

/** The head of a task out of a folder, which is a whole bundle or a head by itself. Every file is read and its hash compared. */
export async function headSource(folder: string, task: HeadManifest['task']): Promise<HeadSource> {
  const root = resolve(folder)
  const loose = await readFile(join(root, `${task}.json`), 'utf8').catch(() => undefined)
  const source = loose === undefined ? await ofBundle(root, task) : ofLoose(root, task, loose)
  for (const file of filesOfHead(source.head)) await sameHash(root, file, source.hashes[file])
  return source
}

function ofLoose(folder: string, task: HeadManifest['task'], text: string): HeadSource {
  const parsed = LooseHead.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Error(`${join(folder, `${task}.json`)} is no head that this version reads: ${z.prettifyError(parsed.error)}`)
  const { family, head, hashes, parts } = parsed.data
  if (head.task !== task) throw new Error(`${folder} holds a head for ${head.task}; one for ${task} is wanted.`)
  return { folder, head, hashes, part: { name: family, source: parts[0]?.source ?? family, licence: licences(parts), role: task }, from: parts }
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
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk)
  } catch (cause) {
    throw new Error(`${join(folder, file)} is named in the manifest and cannot be read.`, { cause })
  }
  const found = hash.digest('hex')
  if (found !== expected)
    throw new Error(`${join(folder, file)}: SHA-256 ${expected.slice(0, 12)}… expected, ${found.slice(0, 12)}… found. Copy or export it again.`)
}
