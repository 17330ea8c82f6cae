import { execFile } from 'node:child_process'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { promisify } from 'node:util'

export type DeviceMemory = { name: string; bytes: number }
const GIGABYTE = 1024 ** 3
const USUAL = [8, 16, 24, 80].map((size): DeviceMemory => ({ name: `a GPU of ${size} GB`, bytes: size * GIGABYTE }))

/** This machine, its NVIDIA GPUs where there are any, and the sizes that GPUs usually have. */
export async function devices(): Promise<DeviceMemory[]> {
  const here = {
    name: `this CPU (${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / GIGABYTE).toFixed(0)} GB)`,
    bytes: totalmem(),
  }
  return [here, ...(await ownGpus()), ...USUAL]
}

export function fits({ bytes }: DeviceMemory, need: number): string {
  return need <= bytes
    ? `fits (${Math.round((need / bytes) * 100)} %)`
    : `does not fit: ${(need / GIGABYTE).toFixed(1)} GB of ${(bytes / GIGABYTE).toFixed(1)} GB`
}

async function ownGpus(): Promise<DeviceMemory[]> {
  const asked = promisify(execFile)('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'])
  const text = await asked.then(({ stdout }) => stdout).catch(() => '')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = 'GPU', size = '0'] = line.split(',')
      return { name: `this machine's ${name.trim()}`, bytes: Number(size) * 1024 * 1024 }
    })
}
