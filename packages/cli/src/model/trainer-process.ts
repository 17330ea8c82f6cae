import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { inRepository } from '../repository.ts'

const VENV = join(homedir(), '.cache/fovea/venv')

/** Runs one command of the Python trainer, its words passed on. Says what to install where there is no Python for it. */
export async function runTrainer(
  args: readonly string[],
  { environment = process.env, onLine = (line: string): void => void process.stderr.write(`${line}\n`) } = {},
): Promise<void> {
  const python = pythonIn(environment)
  if (!python) throw new Error(withoutPython(args))
  const child = spawn(python, ['-m', 'trainer.cli', ...args], {
    cwd: inRepository('services/trainer'),
    env: { ...environment, PYTHONPATH: '.' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let last = ''
  child.stdout.on('data', (text: Buffer) => lines(text).forEach(onLine))
  // Warnings and traces: of those the last line says what went wrong.
  child.stderr.on('data', (text: Buffer) => (last = lines(text).at(-1) ?? last))
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(status ?? 1))
  })
  if (code === 0) return
  throw new Error(/ModuleNotFoundError|No module named/.test(last) ? `${last}. ${withoutPython(args)}` : `The trainer ended with status ${code}: ${last}`)
}

function pythonIn(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = environment['FOVEA_PYTHON']
  if (named) return existsSync(named) ? named : undefined
  const own = join(VENV, 'bin/python')
  return existsSync(own) ? own : undefined
}

function withoutPython(args: readonly string[]): string {
  return [
    `This step is the Python trainer's (fovea-train ${args[0] ?? ''}), and there is no Python that has it.`,
    `Make one: python3 -m venv ${VENV} && ${VENV}/bin/pip install -e 'services/trainer[llava,videochat,sam]', or point FOVEA_PYTHON at one.`,
    'What was downloaded stays where it is; the same command goes on from there.',
  ].join('\n')
}

function lines(text: Buffer): string[] {
  return String(text).split('\n').filter(Boolean)
}
