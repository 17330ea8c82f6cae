import { bestConstantBox } from './boxes.ts'
import { bootstrap } from './interval.ts'
import * as judge from './judge.ts'
import { bestConstantSpan, meanAp, topIou } from './moments.ts'
import { areas, maskIou } from './pixels.ts'
import { needed } from './record.ts'
import type { EvalRecord } from './record.ts'
import { bestConstantText, isExact, namesIn } from './text.ts'
import { averageOverlap, idSwitches, mean, success, successRate } from './tracking.ts'
import type { BoxTrack } from './tracking.ts'

/** One figure of the table; `constant` is what the best constant answer gets. */
export type Metric = { name: string; value: number; low: number; high: number; count: number; constant?: number }

type Worth = readonly [number, number?]
/** Over which records, what each is worth, how the worths become one number, and what a constant answer would get. */
type Row = {
  name: string
  over: (record: EvalRecord) => boolean
  worth: (record: EvalRecord) => Worth
  total: (worths: readonly Worth[]) => number
  constant?: (records: EvalRecord[]) => number
}

const WIDE = 1.7
const SQUARE = 0.05

/** The rows of docs/design/evaluation.md; the trainer has the same, and both are checked on the same records. */
const ROWS: Row[] = [
  {
    name: 'trigger',
    over: (r) => r.phrases !== undefined,
    worth: (r) => [Number(judge.triggersRight(r))],
    total: meanOf,
    constant: (rs) => mean(rs.map(({ phrases = [] }) => Number(!phrases.some(({ present }) => present)))),
  },
  { name: 'absence', over: of('absent'), worth: (r) => [Number(judge.saidAbsent(r))], total: meanOf },
  ...[0.5, 0.75].map((threshold) => region(`region-name.acc${threshold * 100}`, 'region-name', threshold)),
  region('region-attribute.acc50', 'region-attribute', 0.5),
  region('region-lookalike.acc50', 'region-lookalike', 0.5),
  ...['colour', 'place', 'relation', 'motion', 'order'].map((way): Row => ({
    name: `region-lookalike.${way}`,
    over: (r) => r.row === 'region-lookalike' && r.phrases?.[0]?.by === way,
    worth: reaches(0.5),
    total: meanOf,
  })),
  { name: 'region-several.precision', over: of('region-several'), worth: (r) => [judge.foundOf(r).right, judge.foundOf(r).boxes], total: ratio },
  { name: 'region-several.recall', over: of('region-several'), worth: (r) => [judge.foundOf(r).right, judge.foundOf(r).truths], total: ratio },
  { name: 'region-wide-square', over: isShaped, worth: wideOrSquare, total: gap },
  { name: 'region-shapes', over: of('region-shape'), worth: wideOrSquare, total: gap },
  { name: 'mask.giou', over: of('mask'), worth: (r) => [maskIou(...judge.keyPair(r))], total: meanOf },
  {
    name: 'mask.ciou',
    over: of('mask'),
    total: ratio,
    worth: (r) => {
      const { shared, union } = areas(...judge.keyPair(r))
      return [shared, union]
    },
  },
  ...['phrase', 'box', 'point'].flatMap((way): Row[] => {
    const over = of(`track-${way}`)
    return [
      { name: `track-${way}.jf`, over, worth: (r) => [judge.trackScore(r)], total: meanOf },
      { name: `track-${way}.success`, over, worth: overBoxes(success), total: meanOf },
      { name: `track-${way}.ao`, over, worth: overBoxes(averageOverlap), total: meanOf },
      { name: `track-${way}.sr50`, over, worth: overBoxes((predicted, truth) => successRate(predicted, truth, 0.5)), total: meanOf },
    ]
  }),
  {
    name: 'id-switches',
    over: (r) => r.row.startsWith('track-') && (r.expect.lookalikes?.length ?? 0) > 0,
    total: meanOf,
    worth: (r) => {
      const { predicted, truth } = judge.trackBoxes(r)
      return [idSwitches(predicted, [truth, ...needed(r, 'lookalikes')])]
    },
  },
  { name: 'two-heads', over: of('two-heads'), worth: (r) => [Number(judge.partsRight(r))], total: meanOf },
  {
    name: 'moment.miou',
    over: of('moment'),
    worth: (r) => [judge.momentIou(r)],
    total: meanOf,
    constant: (rs) => bestConstantSpan(rs.map((r) => needed(r, 'spans'))).value,
  },
  ...[5, 7].map((tenths): Row => ({
    name: `moment.r1@.${tenths}`,
    over: of('moment'),
    worth: (r) => [Number(judge.momentIou(r) >= tenths / 10)],
    total: meanOf,
    constant: constantSpan(tenths / 10),
  })),
  { name: 'moment.map', over: of('moment'), worth: (r) => [meanAp(judge.firstHead(r, 'moment')?.spans ?? [], needed(r, 'spans'))], total: meanOf },
  ...['exist', 'count', 'motion', 'list', 'answer'].map((name): Row => ({
    name,
    over: of(name),
    worth: (r) => [Number(isExact(r.prediction.text, needed(r, 'answer')))],
    total: meanOf,
    constant: (rs) => bestConstantText(rs.map((r) => needed(r, 'answer'))),
  })),
  { name: 'standing.acc50', over: of('standing-seen'), worth: judge.standingFound, total: ratio },
  { name: 'standing-later.recall', over: of('standing-later'), worth: judge.standingFound, total: ratio },
  { name: 'standing-later.false', over: of('standing-later', 'standing-never'), worth: judge.standingFalse, total: ratio },
  { name: 'photo-coco.acc50', over: of('photo-coco'), worth: (r) => [Number(judge.anyBox(r) >= 0.5)], total: meanOf },
  { name: 'photo-imagenet.acc30', over: of('photo-imagenet'), worth: (r) => [Number(judge.anyBox(r) >= 0.3)], total: meanOf },
  { name: 'photo-absent.false', over: of('photo-absent'), worth: (r) => [Number(!judge.saidAbsent(r))], total: meanOf },
  { name: 'photo-boxes.precision', over: of('photo-coco', 'photo-imagenet'), worth: (r) => [judge.foundOf(r).right, judge.foundOf(r).boxes], total: ratio },
  { name: 'photo-list.precision', over: of('photo-list'), worth: (r) => [named(r).right, named(r).said], total: ratio },
  { name: 'photo-list.recall', over: of('photo-list'), worth: (r) => [named(r).right, named(r).true], total: ratio },
]

/** Every figure that the records have something to say about. */
export function metrics(records: readonly EvalRecord[], { samples = 1000 } = {}): Metric[] {
  return ROWS.flatMap(({ name, over, worth, total, constant }) => {
    const mine = records.filter(over)
    if (mine.length === 0) return []
    const worths = mine.map((record) => ({ group: record.scene ?? record.clip, worth: worth(record) }))
    const byClip = [...Map.groupBy(worths, ({ group }) => group).values()].map((group) => group.map((one) => one.worth))
    const [low, high] = bootstrap(byClip, total, { samples })
    return [{ name, value: total(byClip.flat()), low, high, count: mine.length, ...(constant && { constant: constant(mine) }) }]
  })
}

export function asMarkdown(table: readonly Metric[]): string {
  const lines = table.map(
    ({ name, value, low, high, count, constant }) =>
      `| ${name} | ${value.toFixed(3)} | ${low.toFixed(3)} – ${high.toFixed(3)} | ${count} | ${constant?.toFixed(3) ?? ''} |`,
  )
  return ['| metric | value | 95 % | asks | best constant |', '|---|---|---|---|---|', ...lines, ''].join('\n')
}

/** What one record is worth for the worst twenty: 0–1 of the first row that counts it. */
export function worthOf(record: EvalRecord): number {
  const row = ROWS.find((one) => one.name !== 'trigger' && one.over(record))
  if (!row) return 1
  return row.total([row.worth(record)])
}

function of(...rows: string[]): (record: EvalRecord) => boolean {
  return ({ row }) => rows.includes(row)
}

function reaches(threshold: number): (record: EvalRecord) => readonly [number] {
  return (record) => [Number(judge.regionIou(record) >= threshold)]
}

function region(name: string, row: string, threshold: number): Row {
  const constant = (records: EvalRecord[]) =>
    bestConstantBox(
      records.flatMap((r) => needed(r, 'regions').slice(0, 1)),
      threshold,
    )
  return { name, over: of(row), worth: reaches(threshold), total: meanOf, constant }
}

/** How many names of a list are right, were said, were to be said. */
function named(record: EvalRecord): { right: number; said: number; true: number } {
  const said = namesIn(record.prediction.text)
  const truth = namesIn(needed(record, 'answer')[0] ?? '')
  return { right: [...said].filter((name) => truth.has(name)).length, said: said.size, true: truth.size }
}

function constantSpan(threshold: number): (records: EvalRecord[]) => number {
  return (records) => {
    const truths = records.map((r) => needed(r, 'spans'))
    const { span } = bestConstantSpan(truths)
    return mean(truths.map((spans) => Number(topIou([{ span, score: 1 }], spans) >= threshold)))
  }
}

function overBoxes(figure: (predicted: BoxTrack, truth: BoxTrack) => number): (record: EvalRecord) => readonly [number] {
  return (record) => {
    const { predicted, truth } = judge.trackBoxes(record)
    return [figure(predicted, truth)]
  }
}

function wideOrSquare(record: EvalRecord): readonly [number, number] {
  return [reaches(0.5)(record)[0], Number((record.aspect ?? 0) >= WIDE)]
}

function isShaped({ row, aspect }: EvalRecord): boolean {
  return (row === 'region-name' || row === 'region-lookalike') && aspect !== undefined && (aspect >= WIDE || Math.abs(aspect - 1) <= SQUARE)
}

function meanOf(worths: readonly Worth[]): number {
  return mean(worths.map(([first]) => first))
}

/** Sum of the first numbers over sum of the second. */
function ratio(worths: readonly Worth[]): number {
  const below = worths.reduce((sum, [, second = 0]) => sum + second, 0)
  return below === 0 ? 0 : worths.reduce((sum, [first]) => sum + first, 0) / below
}

/** Mean of those marked 1 less the mean of those marked 0. */
function gap(worths: readonly Worth[]): number {
  const [marked, plain] = [1, 0].map((mark) => worths.filter(([, second]) => second === mark).map(([first]) => first))
  return marked?.length && plain?.length ? mean(marked) - mean(plain) : 0
}
