import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, posix, resolve } from 'node:path'
import { BundleManifest, MANIFEST_VERSION } from '@fovea/protocol'
import { z } from 'zod'
import { BundleError } from './bundle-error.ts'
import { checkRoles } from './graph-roles.ts'
import { namedGraphs } from './named-graphs.ts'
import { readOnnxFile } from './onnx-file.ts'
import { Vocabulary } from './vocabulary.ts'

export type Bundle = { folder: string; manifest: BundleManifest; hash: string; vocabulary: Vocabulary }

/** Reads and checks a bundle's papers: manifest, hash of every file, tokens. The graphs are checked when they are loaded. */
export async function readBundle(folder: string): Promise<Bundle> {
  const root = resolve(folder)
  const raw = await readFile(join(root, 'manifest.json')).catch((cause: unknown) => {
    throw new BundleError('manifest.json', `not found in ${root}. Point FOVEA_BUNDLE at a folder that fovea-train export wrote.`, cause)
  })
  const manifest = parseManifest(raw.toString('utf8'))
  await checkHashes(root, manifest)
  checkWeights(root, manifest)
  checkHeads(manifest)
  checkRoles(manifest)
  const vocabulary = readVocabulary(manifest, await readFile(join(root, manifest.tokenizer), 'utf8'))
  return { folder: root, manifest, hash: createHash('sha256').update(raw).digest('hex'), vocabulary }
}

/** What one manifest can say that no other part notices. Heads may share their tokens: those behind the first are then reached by their task alone. */
function checkHeads({ heads }: BundleManifest): void {
  for (const [index, { task, token }] of heads.entries()) {
    if (heads.findIndex((head) => head.task === task) < index)
      throw new BundleError('manifest.json', `heads: there are two for ${task}; a bundle has one head a task.`)
    if (token.trigger === token.task)
      throw new BundleError('manifest.json', `heads: ${token.trigger} is both trigger and task token of ${task}; those are two tokens.`)
  }
}

function readVocabulary(manifest: BundleManifest, tokenizer: string): Vocabulary {
  let json: object
  try {
    json = z.looseObject({ model: z.looseObject({}) }).parse(JSON.parse(tokenizer))
  } catch (cause) {
    throw new BundleError(manifest.tokenizer, 'is no tokenizer.json of Hugging Face tokenizers: JSON with a "model" is expected.', cause)
  }
  const { template, visualToken } = manifest.language
  try {
    const vocabulary = new Vocabulary(manifest, json)
    const prompt = vocabulary.rendered('probe')
    if (!prompt.includes('probe'))
      throw new BundleError('manifest.json', 'language.template: the question does not come into the prompt; write {{ text }} where it goes.')
    if (prompt.split(visualToken).length !== 2)
      throw new BundleError('manifest.json', `language.template: ${visualToken} must stand in it once, where the pictures go.`)
    return vocabulary
  } catch (cause) {
    if (cause instanceof BundleError) throw cause
    throw new BundleError('manifest.json', `language.template cannot be read (${cause instanceof Error ? cause.message : String(cause)}): ${template}`, cause)
  }
}

function parseManifest(text: string): BundleManifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new BundleError('manifest.json', 'is not JSON.', cause)
  }
  const version = z.object({ manifest: z.unknown() }).safeParse(json)
  if (version.success && version.data.manifest !== MANIFEST_VERSION) {
    throw new BundleError('manifest.json', `manifest version ${MANIFEST_VERSION} is read here; ${String(version.data.manifest)} came. Export the bundle again.`)
  }
  const parsed = BundleManifest.safeParse(json)
  if (!parsed.success) throw new BundleError('manifest.json', z.prettifyError(parsed.error))
  return parsed.data
}

async function checkHashes(root: string, manifest: BundleManifest): Promise<void> {
  for (const file of filesOf(manifest)) {
    if (!manifest.hashes[file]) throw new BundleError(file, 'has no hash in the manifest. Export the bundle again.')
  }
  for (const [file, expected] of Object.entries(manifest.hashes)) {
    const got = await sha256(join(root, file)).catch((cause: unknown) => {
      const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
      const problem = isMissing ? 'missing in the folder.' : `cannot be read (${cause instanceof Error ? cause.message : String(cause)}).`
      throw new BundleError(file, `is named in the manifest and ${problem}`, cause)
    })
    if (got !== expected)
      throw new BundleError(file, `SHA-256 ${expected} expected, ${got} came. The file was changed or cut short; export or copy the bundle again.`)
  }
}

/** Weights that a graph keeps beside it must stand in its row: what no hash covers may be any file. */
function checkWeights(root: string, manifest: BundleManifest): void {
  for (const [name, { file, data = [] }] of namedGraphs(manifest)) {
    const beside = readOnnxFile(join(root, file)).external.map((location) => posix.join(posix.dirname(file), location))
    const unnamed = beside.find((each) => !data.includes(each))
    if (unnamed !== undefined)
      throw new BundleError(
        file,
        `keeps weights in ${unnamed}, and graph ${name} of the manifest names ${data.join(', ') || 'no such files'} as data. Name it there with its hash, or export the bundle again.`,
      )
  }
}

function filesOf(manifest: BundleManifest): string[] {
  const graphs = namedGraphs(manifest).flatMap(([, { file, data = [] }]) => [file, ...data])
  return [manifest.tokenizer, ...graphs, ...(manifest.golden ? [manifest.golden] : [])]
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest('hex')
}
