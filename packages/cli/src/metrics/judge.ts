import { boxIou } from '@fovea/protocol'
import type { Box, Rle } from '@fovea/protocol'
import { bestIou, matched } from './boxes.ts'
import { boundaryF } from './boundary.ts'
import { topIou } from './moments.ts'
import { countPixels, maskIou, pixelsOf } from './pixels.ts'
import type { Pixels } from './pixels.ts'
import { needed } from './record.ts'
import type { EvalHead, EvalRecord, Expect, HeadTask, ScoredBox, TrackEntry } from './record.ts'
import { normalised } from './text.ts'
import { mean } from './tracking.ts'

// One record, one verdict: what an answer is worth by the measure of its row.

/** Which trigger serves a task. */
function triggerOf(task: HeadTask): string {
  return task === 'track' ? 'mask' : task
}

export function firstHead({ prediction }: EvalRecord, task: HeadTask): EvalHead | undefined {
  return prediction.heads.find((head) => triggerOf(head.task) === triggerOf(task))
}

export function givesSomething({ regions = [], mask, track = [], spans = [] }: EvalHead): boolean {
  const seen = mask ? countPixels(pixelsOf(mask, mask.size)) > 0 : false
  return regions.length > 0 || seen || track.some((entry) => !entry.absent) || spans.length > 0
}

function grounding({ task, phrase }: { task: HeadTask; phrase: string }): string {
  return `${triggerOf(task)} ${normalised(phrase)}`
}

/** The heads that ran, in order, are those of the phrases that are there, each for its own words. */
export function triggersRight({ phrases = [], prediction }: EvalRecord): boolean {
  const wanted = phrases.filter(({ present }) => present)
  return wanted.map(grounding).join('\n') === prediction.heads.map(grounding).join('\n')
}

export function saidAbsent({ prediction }: EvalRecord): boolean {
  return !prediction.heads.some(givesSomething)
}

export function regionIou(record: EvalRecord): number {
  const [truth] = needed(record, 'regions')
  return truth ? bestIou(regionsOf(record), truth) : 0
}

/** Right boxes, boxes, true boxes. */
export function foundOf(record: EvalRecord): { right: number; boxes: number; truths: number } {
  const boxes = regionsOf(record)
  const truths = needed(record, 'regions')
  return { right: matched(boxes, truths), boxes: boxes.length, truths: truths.length }
}

/** The highest IoU of any reported box with any true one. */
export function anyBox(record: EvalRecord): number {
  const truths = needed(record, 'regions')
  return Math.max(0, ...regionsOf(record).flatMap(({ box }) => truths.map((truth) => boxIou(box, truth))))
}

/** Prediction and truth as pixels; a missing one is empty. */
export function maskPair(mask: Rle | null | undefined, truth: Rle | null | undefined): [Pixels, Pixels] {
  const size = truth?.size ?? mask?.size ?? [1, 1]
  return [pixelsOf(mask, size), pixelsOf(truth, size)]
}

export function keyPair(record: EvalRecord): [Pixels, Pixels] {
  return maskPair(firstHead(record, 'mask')?.mask, record.expect.mask)
}

/** (J + F) / 2 of the object. From a box or a point the prompted frame does not count. */
export function trackScore(record: EvalRecord): number {
  const truth = needed(record, 'track').toSorted((a, b) => a.frame - b.frame)
  const predicted = byFrame(firstHead(record, 'track')?.track)
  const size = truth.find((entry) => entry.mask)?.mask?.size
  if (!size) throw new Error(`${record.clip}: a track of row ${record.row} needs a mask in at least one frame.`)
  const pairs = truth
    .slice(record.row === 'track-phrase' ? 0 : 1)
    .map((entry): [Pixels, Pixels] => [pixelsOf(predicted.get(entry.frame)?.mask, size), pixelsOf(entry.mask, size)])
  return (mean(pairs.map(([a, b]) => maskIou(a, b))) + mean(pairs.map(([a, b]) => boundaryF(a, b)))) / 2
}

/** Predicted and true box at every frame of the truth. */
export function trackBoxes(record: EvalRecord): { predicted: (Box | undefined)[]; truth: (Box | undefined)[] } {
  const truth = needed(record, 'track').toSorted((a, b) => a.frame - b.frame)
  const predicted = byFrame(firstHead(record, 'track')?.track)
  return { predicted: truth.map(({ frame }) => predicted.get(frame)?.box), truth: truth.map(({ box }) => box) }
}

export function momentIou(record: EvalRecord): number {
  return topIou(firstHead(record, 'moment')?.spans ?? [], needed(record, 'spans'))
}

/** Every part of a several-headed answer is right; a part that is not there has no head, or a head that gives nothing. */
export function partsRight(record: EvalRecord): boolean {
  const { phrases = [], prediction } = record
  const parts = needed(record, 'parts')
  const present = phrases.flatMap((phrase, index) => (phrase.present ? [{ task: phrase.task, part: parts[index] ?? {} }] : []))
  const right = present.every(({ task, part }, index) => {
    const head = prediction.heads[index]
    return head !== undefined && triggerOf(head.task) === triggerOf(task) && partRight(head, part)
  })
  return right && !prediction.heads.slice(present.length).some(givesSomething)
}

function partRight(head: EvalHead, part: Expect): boolean {
  if (part.regions) return part.regions[0] !== undefined && bestIou(head.regions ?? [], part.regions[0]) >= 0.5
  if (part.mask !== undefined) return maskIou(...maskPair(head.mask, part.mask)) >= 0.5
  return topIou(head.spans ?? [], part.spans ?? []) >= 0.5
}

/** True boxes found at IoU ≥ .5, and true boxes, over the frames after the phrase was compiled that leave no doubt. */
export function standingFound(record: EvalRecord): [found: number, truths: number] {
  const found = standingFrames(record)
  let [hits, total] = [0, 0]
  for (const { frame, regions, doubtful = [] } of needed(record, 'frames').slice(1)) {
    if (doubtful.length > 0) continue
    hits += matched(found.get(frame) ?? [], regions)
    total += regions.length
  }
  return [hits, total]
}

/** Frames with a box though nothing is there, and frames where nothing is there. */
export function standingFalse(record: EvalRecord): [wrong: number, empty: number] {
  const found = standingFrames(record)
  const empty = needed(record, 'frames')
    .slice(1)
    .filter(({ regions, doubtful = [] }) => regions.length === 0 && doubtful.length === 0)
  return [empty.filter(({ frame }) => (found.get(frame) ?? []).length > 0).length, empty.length]
}

function regionsOf(record: EvalRecord): ScoredBox[] {
  return firstHead(record, 'region')?.regions ?? []
}

function standingFrames({ prediction }: EvalRecord): Map<number, ScoredBox[]> {
  return new Map(prediction.frames?.map(({ frame, regions }) => [frame, regions]))
}

function byFrame(entries: readonly TrackEntry[] = []): Map<number, TrackEntry> {
  return new Map(entries.map((entry) => [entry.frame, entry]))
}
