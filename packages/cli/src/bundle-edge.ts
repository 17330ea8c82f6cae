import { build } from 'esbuild'
import { inRepository } from './repository.ts'

const NODE_BUILTINS = ['assert', 'async_hooks', 'buffer', 'crypto', 'events', 'fs', 'fs/promises', 'path', 'process', 'stream', 'string_decoder', 'url', 'util']

/** The edge worker as one module, the way wrangler builds it for production. */
export async function bundleEdge(entry = inRepository('workers/edge/src/index.ts')): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['module', 'main'],
    external: ['cloudflare:*', 'node:*'],
    alias: Object.fromEntries(NODE_BUILTINS.map((name) => [name, `node:${name}`])),
    loader: { '.sql': 'text' },
    logLevel: 'silent',
    // Names of classes and functions are what a stack trace shows.
    keepNames: true,
    sourcemap: false,
  })
  const [file] = result.outputFiles
  if (!file) throw new Error(`esbuild made nothing of ${entry}.`)
  return file.text
}
