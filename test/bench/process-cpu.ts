import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts process time in ticks; 100 a second on every kernel that Node runs on. */
const MS_PER_TICK = 10

/** CPU that a process has used so far, user and system, all its threads, in ms (steps of 10 ms). Linux only. */
export function processCpuMs(pid: number): number {
  return ticksOf(`/proc/${pid}/stat`) * MS_PER_TICK
}

/** The same for each thread of a process, by thread id. */
export function threadCpuMs(pid: number): Map<number, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number)
  return new Map(threads.map((thread) => [thread, ticksOf(`/proc/${pid}/task/${thread}/stat`) * MS_PER_TICK]))
}

/** Resident memory of a process in bytes. */
export function processMemory(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (!line?.[1]) throw new Error(`/proc/${pid}/status has no VmRSS line; this bench reads Linux's process files.`)
  return Number(line[1]) * 1024
}

/** Processes that this one started, and theirs, youngest last: where a house runs workerd and the inference service. */
export function descendants(pid: number): { pid: number; name: string }[] {
  const found: { pid: number; name: string }[] = []
  const seek = [pid]
  for (let parent = seek.pop(); parent !== undefined; parent = seek.pop()) {
    for (const thread of readdirSync(`/proc/${parent}/task`)) {
      for (const child of readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)) {
        found.push({ pid: child, name: readFileSync(`/proc/${child}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() })
        seek.push(child)
      }
    }
  }
  return found
}

/** Runs something and says what CPU each named process used meanwhile. */
export async function cpuDuring<T>(
  processes: Record<string, number>,
  work: () => Promise<T>,
): Promise<{ result: T; cpuMs: Record<string, number>; wallMs: number }> {
  const before = Object.entries(processes).map(([name, pid]) => [name, pid, processCpuMs(pid)] as const)
  const start = performance.now()
  const result = await work()
  const wallMs = performance.now() - start
  return { result, wallMs, cpuMs: Object.fromEntries(before.map(([name, pid, was]) => [name, processCpuMs(pid) - was])) }
}

function ticksOf(path: string): number {
  const stat = readFileSync(path, 'utf8')
  // The second field is the command in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
