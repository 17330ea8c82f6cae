import { access, constants, mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { hasFfmpeg, loadMediabunny } from '@fovea/sdk/node'
import sharp from 'sharp'
import { checkFiles, readManifest } from '../bundle.ts'
import type { Step } from './check.ts'

/** What can be told without starting anything. */
export function machineSteps(bundle: string, dataDir: string): Step[] {
  return [
    { name: 'versions', run: versions },
    { name: 'bundle', run: () => bundleIsWhole(bundle) },
    { name: 'storage', run: () => canWrite(dataDir) },
    { name: 'video decoders', run: decoders },
  ]
}

async function versions(): Promise<string> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 18))
    throw new Error(`Node 22.18 or newer is needed, this is ${process.version}; start it through npx, which brings one along`)
  const parts = ['miniflare', 'workerd', 'esbuild'].map((name) => `${name} ${versionOf(name)}`)
  return [`fovea 0.1.0`, `node ${process.versions.node}`, ...parts, `sharp ${sharp.versions.sharp}`, `${process.platform}-${process.arch}`].join(', ')
}

function versionOf(name: string): string {
  try {
    const found: unknown = createRequire(import.meta.url)(`${name}/package.json`)
    return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : 'unknown'
  } catch {
    return 'not found'
  }
}

async function bundleIsWhole(folder: string): Promise<string> {
  const manifest = await readManifest(folder)
  const files = await checkFiles(folder, manifest)
  const broken = files.filter(({ problem }) => problem)
  if (broken.length > 0) throw new Error(`${broken.map(({ file, problem }) => `${file}: ${problem}`).join('; ')}; copy or export the bundle again`)
  const megabytes = files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6
  return `${manifest.name} ${manifest.version}, ${files.length} files, ${megabytes.toFixed(1)} MB, every hash right, heads ${manifest.heads.map(({ task }) => task).join(', ')}`
}

async function canWrite(dataDir: string): Promise<string> {
  const folder = resolve(dataDir)
  await mkdir(folder, { recursive: true })
  await access(folder, constants.W_OK)
  const probe = join(folder, '.doctor')
  await writeFile(probe, 'ok')
  await rm(probe)
  return `${dataDir} can be written`
}

async function decoders(): Promise<string> {
  const found = [(await loadMediabunny()) && 'mediabunny', (await hasFfmpeg()) && 'ffmpeg'].filter(Boolean)
  return found.length > 0 ? `pictures, GIF and WebP; mp4 and webm through ${found.join(', ')}` : 'pictures, GIF and WebP; for mp4 and webm install ffmpeg'
}
