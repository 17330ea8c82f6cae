import { basename } from 'node:path'
import type { Graph as GraphManifest, Published } from '@fovea/protocol'
import { BundleError } from '../bundle-error.ts'
import { openRunner, type Runner, type RunnerOptions } from '../ort.ts'
import { publishedDecoder } from './decoder.ts'
import { publishedEncoder } from './encoder.ts'
import { recognise } from './recognise.ts'

/** A graph of a manifest, loaded; one that others published speaks the runtime's words from here on. */
export async function openGraphRunner(path: string, { published }: Pick<GraphManifest, 'published'>, options: RunnerOptions): Promise<Runner> {
  const runner = await openRunner(path, options)
  return published ? translated(path, runner, published) : runner
}

function translated(path: string, runner: Runner, published: Published): Runner {
  const file = basename(path)
  const found = recognise(runner)
  if (found?.layout.name !== published.layout || found.part === 'no-memory') {
    const names = `takes ${runner.inputs.map(({ name }) => name).join(', ')} and gives ${runner.outputs.map(({ name }) => name).join(', ')}`
    throw new BundleError(file, `${names}, which is not the layout ${published.layout} that the manifest names.`)
  }
  return found.part === 'encoder'
    ? publishedEncoder(file, runner, found.layout.encoder, published)
    : publishedDecoder(file, runner, found.layout.decoder, published)
}
