import { constants, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { BundleManifest, type HeadManifest } from '@fovea/protocol'
import { readManifest } from '../bundle.ts'
import { fillNewFolder } from '../new-folder.ts'
import { tokensKnown } from './tokens-known.ts'
import { filesOfBackbone, filesOfHead, headSource, licences, sameHash, type HeadSource } from './part-source.ts'

export type Composition = { backbone: string; heads: Partial<Record<HeadManifest['task'], string>>; name?: string; version?: string }
export type Composed = { manifest: BundleManifest; warnings: string[] }

const TASKS = ['region', 'mask', 'moment'] as const

/**
 * A bundle out of parts: the backbone of one folder with its own heads, and heads of other folders in place of them.
 * `out` is a new folder or an empty one; nothing is left there where it goes wrong.
 */
export function compose(out: string, composition: Composition): Promise<Composed> {
  return fillNewFolder(out, 'a bundle is composed', (half) => composeInto(half, composition))
}

async function composeInto(half: string, { backbone, heads, name, version = '1' }: Composition): Promise<Composed> {
  const from = resolve(backbone)
  const base = await readManifest(from)
  for (const file of filesOfBackbone(base)) await sameHash(from, file, base.hashes[file])
  const tokens = await tokensKnown(join(from, base.tokenizer))
  const given = await Promise.all(
    TASKS.flatMap((task) => (heads[task] === undefined ? [] : [headSource(heads[task], task).then((source) => understood(source, base, tokens))])),
  )
  const kept = await Promise.all(base.heads.filter(({ task }) => heads[task] === undefined).map(({ task }) => headSource(from, task)))
  const hashes: Record<string, string> = {}
  const bring = async (source: string, file: string, to: string, hash: string | undefined): Promise<void> => {
    await place(join(source, file), join(half, to))
    if (hash) hashes[to] = hash
  }
  for (const file of filesOfBackbone(base)) await bring(from, file, file, base.hashes[file])
  const rows: HeadManifest[] = []
  for (const source of [...kept, ...given]) {
    // A folder of its own for each head: two exports may call their graphs the same.
    for (const file of new Set(filesOfHead(source.head))) await bring(source.folder, file, `${source.head.task}/${file}`, source.hashes[file])
    rows.push(moved(source.head, base))
  }
  const parts = [...new Map(partsOf(base, kept, given).map((part) => [`${part.role ?? ''} ${part.name} ${part.source}`, part])).values()]
  const manifest = BundleManifest.parse({
    ...base,
    name: name ?? [base.name, ...given.map(({ part }) => part.name.replaceAll(/[^\w.-]+/g, '-'))].join('+'),
    version,
    licence: licences([base, ...[...kept, ...given].map(({ part }) => part)]),
    description: `Composed of ${[`the backbone of ${base.name} ${base.version}`, ...given.map(({ part }) => `${part.role} from ${part.source}`)].join(', ')}.`,
    heads: rows,
    hashes,
    golden: undefined,
    metrics: undefined,
    parts,
  } satisfies Record<keyof BundleManifest, unknown>)
  await writeFile(join(half, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return {
    manifest,
    warnings: given.flatMap((source) => (source.taught === `${base.name} ${base.version}` ? [] : [untrained(source, base)])),
  }
}

/** A head as the backbone's language model can speak of it: a mask head whose tokens that model does not have takes what a user points out, and no phrases. */
function understood(source: HeadSource, base: BundleManifest, tokens: ReadonlySet<string>): HeadSource & { unspoken?: string } {
  const { head } = source
  const token = tokenIn(base, head)
  const unspoken = [token.trigger, token.task].find((each) => !tokens.has(each))
  if (unspoken === undefined || head.task !== 'mask' || head.phrases === false) return source
  const { 'prompt.state': _phrases, ...graphs } = head.graphs
  return { ...source, head: { ...head, phrases: false, graphs }, unspoken }
}

/** The tokens of a head are those the backbone's language model was taught, where it was taught any for the task. */
function tokenIn(base: BundleManifest, head: HeadManifest): HeadManifest['token'] {
  return base.heads.find(({ task }) => task === head.task)?.token ?? head.token
}

/** The row of a head in its new place. */
function moved(head: HeadManifest, base: BundleManifest): HeadManifest {
  const graphs = Object.fromEntries(
    Object.entries(head.graphs).map(([part, graph]) => [
      part,
      graph && { ...graph, file: `${head.task}/${graph.file}`, ...(graph.data && { data: graph.data.map((file) => `${head.task}/${file}`) }) },
    ]),
  )
  return BundleManifest.shape.heads.element.parse({ ...head, token: tokenIn(base, head), graphs })
}

function partsOf(base: BundleManifest, kept: readonly HeadSource[], given: readonly HeadSource[]) {
  const { name, version, licence, parts = [] } = base
  const backbone = { name: `backbone of ${name}`, source: `bundle ${name} ${version}`, licence, role: 'backbone' as const }
  return [
    backbone,
    ...[...kept, ...given].map(({ part }) => part),
    ...parts.filter(({ role }) => !role),
    ...given.flatMap(({ from }) => from.filter(({ role }) => !role)),
  ]
}

/** What a mixed bundle cannot do before it is trained. */
function untrained({ head: { task, phrases }, part: { source }, unspoken }: HeadSource & { unspoken?: string }, base: BundleManifest): string {
  if (unspoken !== undefined)
    return `The language model of ${base.name} has no token ${unspoken}, by which it would call the ${task} head from ${source}: the head takes no phrases here. Boxes and points given by the user work as they are.`
  if (phrases === false)
    return `The ${task} head from ${source} takes no phrases: it outlines and follows what a box or points show, and answers that would point with it go without.`
  const rest = task === 'mask' ? ' Boxes and points given by the user work as they are.' : ''
  return `The ${task} head from ${source} has not been trained on the states of ${base.name}: what it finds for phrases means nothing until it is tuned.${rest}`
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  // Where the file system can, the copy shares its blocks until one of the two changes.
  await copyFile(from, to, constants.COPYFILE_FICLONE)
}
