import { boxIou } from '@fovea/protocol'
import type { Box } from '@fovea/protocol'

/** One entry a frame; undefined where there is none. */
export type BoxTrack = readonly (Box | null | undefined)[]

const SUCCESS_THRESHOLDS = Array.from({ length: 21 }, (_, index) => index / 20)

/** IoU at every frame where the object is there; without a predicted box 0. */
export function overlaps(predicted: BoxTrack, truth: BoxTrack): number[] {
  return truth.flatMap((box, index) => {
    if (!box) return []
    const mine = predicted[index]
    return [mine ? boxIou(mine, box) : 0]
  })
}

/** Area under the success curve: mean over 21 thresholds of the share of frames with IoU above (strictly). */
export function success(predicted: BoxTrack, truth: BoxTrack): number {
  const values = overlaps(predicted, truth)
  return mean(SUCCESS_THRESHOLDS.map((threshold) => share(values, threshold)))
}

/** AO: mean IoU, the first frame left out. */
export function averageOverlap(predicted: BoxTrack, truth: BoxTrack): number {
  return mean(overlaps(predicted.slice(1), truth.slice(1)))
}

/** SR: share of those frames with IoU above the threshold (strictly). */
export function successRate(predicted: BoxTrack, truth: BoxTrack, threshold: number): number {
  return share(overlaps(predicted.slice(1), truth.slice(1)), threshold)
}

/** How often the thing followed changes: at a frame it is the candidate that the box fits best, if its IoU is at least `fewest`. */
export function idSwitches(predicted: BoxTrack, candidates: readonly BoxTrack[], fewest = 0.3): number {
  const followed = predicted.flatMap((box, frame) => {
    if (!box) return []
    const fits = candidates.map((candidate) => (candidate[frame] ? boxIou(box, candidate[frame]) : 0))
    const best = fits.indexOf(Math.max(...fits))
    return (fits[best] ?? 0) >= fewest ? [best] : []
  })
  return followed.filter((one, index) => index > 0 && one !== followed[index - 1]).length
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

function share(values: readonly number[], threshold: number): number {
  return values.length === 0 ? 0 : values.filter((value) => value > threshold).length / values.length
}
