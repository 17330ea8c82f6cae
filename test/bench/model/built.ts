import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const GRAPHS = join(homedir(), '.cache/fovea/bench-model')
export const PRECISIONS = ['int4', 'int8', 'fp32'] as const
/** transformers.js, where it has been installed: npm i --prefix ~/.cache/fovea/peers-node @huggingface/transformers */
export const TRANSFORMERS_JS = join(homedir(), '.cache/fovea/peers-node/node_modules/@huggingface/transformers/dist/transformers.node.mjs')
const VENV = join(homedir(), '.cache/fovea/venv')

export function pythonOf(venv = VENV): string {
  return join(venv, 'bin/python')
}

/** Builds the graphs where they are missing: five gigabytes and some minutes, once. */
export async function built({ venv, peers, say, signal }: { venv?: string; peers: boolean; say: (line: string) => void; signal: AbortSignal }): Promise<void> {
  const wanted = ['weights', ...PRECISIONS, ...(peers ? ['genai', 'transformers-js'] : [])]
  if (wanted.every((name) => existsSync(join(GRAPHS, name)))) return
  const python = pythonOf(venv)
  if (!existsSync(python))
    throw new Error(
      `${GRAPHS} has no graphs yet, and they are made with Python: python3 -m venv ${VENV} && ${VENV}/bin/pip install -e 'services/trainer[decoders]', then run the bench again.`,
    )
  say(`building the graphs in ${GRAPHS}, once`)
  await new Promise<void>((resolve, reject) => {
    let complaint = ''
    const child = spawn(python, [fileURLToPath(new URL('build.py', import.meta.url)), GRAPHS, ...(peers ? ['--peers'] : [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: fileURLToPath(new URL('../../../services/trainer', import.meta.url)),
      env: { ...process.env, OMP_NUM_THREADS: '1', PYTHONPATH: '.' },
      signal,
    })
    child.stdout.on('data', (text: Buffer) => say(String(text).trim()))
    child.stderr.on('data', (text: Buffer) => (complaint = `${complaint}${text}`.slice(-2000)))
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`The graphs could not be built: ${complaint.trim().split('\n').at(-1) ?? ''}`))))
  })
}
