import { ProtocolError } from '@fovea/protocol'
import { program } from './program.ts'

// A reader that goes away early (`fovea ask … | head -1`) is no error.
process.stdout.on('error', () => process.exit(0))

try {
  await program().parseAsync()
} catch (error) {
  if (error instanceof ProtocolError) process.stderr.write(`fovea: ${error.message} (${error.code})\n`)
  else process.stderr.write(`fovea: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
