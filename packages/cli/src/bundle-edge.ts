import { cachedBuild } from './cached-build.ts'
import { inRepository } from './repository.ts'

const NODE_BUILTINS = ['assert', 'async_hooks', 'buffer', 'crypto', 'events', 'fs', 'fs/promises', 'path', 'process', 'stream', 'string_decoder', 'url', 'util']

/** The edge worker as one module, the way wrangler builds it for production. */
export function bundleEdge(): Promise<string> {
  return cachedBuild('edge', {
    entryPoints: [inRepository('workers/edge/src/index.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['module', 'main'],
    external: ['cloudflare:*', 'node:*'],
    alias: Object.fromEntries(NODE_BUILTINS.map((name) => [name, `node:${name}`])),
    loader: { '.sql': 'text' },
    // Names of classes and functions are what a stack trace shows.
    keepNames: true,
  })
}
