/** One line of a bench's verdict: what was measured, what it should be, and whether it is. */
export type Goal = { name: string; value: number; goal: string; ok: boolean }

export type Report = { goals: Goal[]; samples: Record<string, unknown> }

/** What a bench is handed: words go to stderr, so that the last line of `--json` stays the only thing on stdout. */
export type BenchContext = { say: (line: string) => void; signal: AbortSignal }

/** One file per bench, each with a default export of this shape. `run` takes at most 4 minutes, or as many as it says. */
export interface Bench {
  name: string
  about: string
  minutes?: number
  run(context: BenchContext): Promise<Report>
}

/** A goal that holds while the value stays at or below the limit. */
export function atMost(name: string, value: number, limit: number): Goal {
  return { name, value: round(value), goal: `<= ${limit}`, ok: value <= limit }
}

/** A goal that holds while the value stays at or above the limit. */
export function atLeast(name: string, value: number, limit: number): Goal {
  return { name, value: round(value), goal: `>= ${limit}`, ok: value >= limit }
}

/** Four significant digits: more would be noise, fewer would hide a ratio of 1.004. */
export function round(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : value
}
