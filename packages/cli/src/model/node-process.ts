import { spawn } from 'node:child_process'

/** Runs a script of the serving code in a process of its own, since that may take gigabytes → the last line it wrote; its complaint is the error. */
export async function lastLine(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let complaint = ''
  child.stdout.on('data', (text: Buffer) => (out += String(text)))
  child.stderr.on('data', (text: Buffer) => (complaint = `${complaint}${text}`.slice(-8000)))
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(status ?? 1))
  })
  if (code !== 0) throw new Error(complaint.trim() || `${args[0] ?? 'The process'} ended with status ${code}.`)
  return out.trim().split('\n').at(-1) ?? ''
}
