import { ProtocolError } from '@fovea/protocol'
import { CommanderError } from 'commander'
import { runProgram } from './program.ts'

// A reader that goes away early (`fovea ask … | head -1`) is no error.
process.stdout.on('error', () => process.exit(0))

const args = process.argv.slice(2)
try {
  await runProgram(args)
} catch (error) {
  process.exitCode = error instanceof CommanderError ? error.exitCode : 1
  // What commander throws it has written: help, the version, or what is wrong with the command line.
  if (!(error instanceof CommanderError)) process.stderr.write(`fovea: ${messageOf(error)}${error instanceof ProtocolError ? ` (${error.code})` : ''}\n`)
  if (process.exitCode !== 0 && args.includes('--json')) process.stdout.write(`${JSON.stringify(asLine(error))}\n`)
}

/** The same for a program that reads lines, in the shape of the protocol's own errors. */
function asLine(error: unknown): Record<string, unknown> {
  const code = error instanceof CommanderError ? 'invalid-message' : 'internal'
  return { type: 'error', ...(error instanceof ProtocolError ? error : new ProtocolError(code, messageOf(error))).body() }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
