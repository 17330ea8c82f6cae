import { execFile } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { promisify } from 'node:util'

export type DeviceMemory = { name: string; bytes: number; isGpu?: boolean; isUsual?: boolean }
/** What a bundle needs on either. */
export type DeviceNeed = { cpu: number; gpu: number }
const GIGABYTE = 1024 ** 3
const USUAL = [8, 16, 24, 80].map((size): DeviceMemory => ({ name: `a GPU of ${size} GB`, bytes: size * GIGABYTE, isGpu: true, isUsual: true }))

/** This machine with what may be taken of it, its NVIDIA GPUs where there are any, and the sizes that GPUs usually have. */
export async function devices(bytes: number): Promise<DeviceMemory[]> {
  const here = { name: `this CPU (${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${gigabytes(bytes)} GB)`, bytes }
  return [here, ...(await ownGpus()), ...USUAL]
}

/** What this machine has, and of the usual sizes the smallest that is enough: the larger ones are, too. Where none is, the largest. */
export function worthTelling<Device extends DeviceMemory>(all: readonly Device[], need: DeviceNeed): Device[] {
  const usual = all.filter(({ isUsual }) => isUsual)
  const enough = usual.find(({ bytes }) => need.gpu <= bytes) ?? usual.at(-1)
  return [...all.filter(({ isUsual }) => !isUsual), ...(enough ? [enough] : [])]
}

export function fits({ bytes, isGpu }: DeviceMemory, { cpu, gpu }: DeviceNeed): string {
  const need = isGpu ? gpu : cpu
  const share = Math.round((need / bytes) * 100)
  return need <= bytes ? `fits (${share < 1 ? 'less than 1' : share} %)` : `does not fit: ${gigabytes(need)} GB of ${gigabytes(bytes)} GB`
}

function gigabytes(bytes: number): string {
  return (bytes / GIGABYTE).toFixed(1)
}

async function ownGpus(): Promise<DeviceMemory[]> {
  const asked = promisify(execFile)('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'])
  const text = await asked.then(({ stdout }) => stdout).catch(() => '')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = 'GPU', size = '0'] = line.split(',')
      return { name: `this machine's ${name.trim()}`, bytes: Number(size) * 1024 * 1024, isGpu: true }
    })
}
