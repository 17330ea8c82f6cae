import type { Box, Rle } from '@fovea/protocol'

/** What a run writes for every ask: what was expected and what came. The table is a function of these records (docs/design/evaluation.md). */
export type EvalRecord = {
  clip: string
  row: string
  ask?: number
  kind?: string
  aspect?: number
  /** Clips of one scene are drawn together for an interval. */
  scene?: string
  phrases?: Phrase[]
  expect: Expect
  prediction: Prediction
}

export type Phrase = { task: HeadTask; phrase: string; noun: string; by: string; lookalike: boolean; present: boolean }
export type HeadTask = 'region' | 'mask' | 'track' | 'moment'
export type SpanMs = [start: number, end: number]
export type ScoredBox = { box: Box; score: number }
export type TrackEntry = { frame: number; box?: Box; mask?: Rle; absent?: boolean }
export type EvalHead = {
  task: HeadTask
  phrase: string
  regions?: ScoredBox[]
  mask?: Rle | null
  track?: TrackEntry[]
  spans?: { span: SpanMs; score: number }[]
}
export type Prediction = { text: string; heads: EvalHead[]; frames?: { frame: number; regions: ScoredBox[] }[] }
export type Expect = {
  regions?: Box[]
  mask?: Rle | null
  track?: TrackEntry[]
  lookalikes?: (Box | null)[][]
  spans?: SpanMs[]
  answer?: string[]
  parts?: Expect[]
  frames?: { frame: number; regions: Box[]; doubtful?: Box[] }[]
}

/** A field that the row of a record promises; a folder without it is named, not guessed at. */
export function needed<Name extends keyof Expect>(record: EvalRecord, name: Name): NonNullable<Expect[Name]> {
  const value = record.expect[name]
  if (value === undefined || value === null)
    throw new Error(`${record.clip}, ask ${record.ask ?? '?'}: a record of row ${record.row} expects \`${name}\`; there is none.`)
  return value
}
