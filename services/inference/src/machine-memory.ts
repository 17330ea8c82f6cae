import { totalmem } from 'node:os'

/** Bytes that this machine has, or that this process may take of it: a container's limit counts. */
export function machineMemory(): number {
  const allowed = process.constrainedMemory()
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
}
