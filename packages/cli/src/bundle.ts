import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BundleManifest } from '@fovea/protocol'
import { sha256Of, whyUnreadable } from './file-hash.ts'
import { inRepository } from './repository.ts'

export const EMBEDDED_BUNDLE = inRepository('packages/model-nano')

/** The manifest of a bundle folder; what is wrong with it is told with its place. */
export async function readManifest(folder: string): Promise<BundleManifest> {
  const file = join(folder, 'manifest.json')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) throw new Error(`${file} is missing: ${folder} is no model bundle. A bundle is what \`fovea-train export\` writes.`)
  const parsed = BundleManifest.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`${file} is no manifest that this version reads: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
}

export type FileCheck = { file: string; bytes: number; problem?: string }

/** Every file of the bundle against its hash in the manifest; files of many gigabytes are read piece by piece. */
export async function checkFiles(folder: string, manifest: BundleManifest): Promise<FileCheck[]> {
  const checks: FileCheck[] = []
  for (const [file, hash] of Object.entries(manifest.hashes)) checks.push(await checkFile(folder, file, hash))
  return checks
}

async function checkFile(folder: string, file: string, expected: string): Promise<FileCheck> {
  const path = join(folder, file)
  try {
    const found = await sha256Of(path)
    const { size: bytes } = await stat(path)
    return { file, bytes, ...(found !== expected && { problem: `SHA-256 ${expected.slice(0, 12)}… expected, ${found.slice(0, 12)}… found` }) }
  } catch (error) {
    return { file, bytes: 0, problem: whyUnreadable(error) }
  }
}
