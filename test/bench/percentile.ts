import { round } from './bench.ts'

/** The value below which `fraction` (0–1) of the samples lie; linear between neighbours. NaN where there is no sample. */
export function percentile(samples: readonly number[], fraction: number): number {
  if (samples.length === 0) return Number.NaN
  const sorted = samples.toSorted((a, b) => a - b)
  const at = fraction * (sorted.length - 1)
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? low
  return low + (high - low) * (at - Math.floor(at))
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5)
}

export type Summary = { count: number; p50: number; p95: number; p99: number; mean: number }

/** The usual five numbers of a row of samples, rounded for print. */
export function summary(samples: readonly number[]): Summary {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length
  return {
    count: samples.length,
    p50: round(percentile(samples, 0.5)),
    p95: round(percentile(samples, 0.95)),
    p99: round(percentile(samples, 0.99)),
    mean: round(mean),
  }
}
