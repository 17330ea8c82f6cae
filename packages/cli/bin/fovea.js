#!/usr/bin/env node
// Fovea's sources are TypeScript that Node runs as they are, which needs Node 22.18 or newer. `npm install` brings one along
// (the package `node`), so that a machine whose own Node is 20 works too: started by an old one, this hands over to the packaged one.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/bin.ts', import.meta.url))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  await import(main)
} else {
  let node
  try {
    node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
  } catch {
    console.error(`fovea needs Node 22.18 or newer; this is ${process.version}. Run it through npx, or install the package "node" beside it.`)
    process.exit(1)
  }
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends its Ctrl-C to both; this one waits for the other's clean end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}
