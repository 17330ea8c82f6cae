import type { MaskHead } from '@fovea/protocol'
import type { Head } from './head.ts'
import type { MaskTracker } from './mask-tracker.ts'

/** A mask in one frame: the tracker's decoder on a fresh object, without memory. */
export function maskHead({ task, token, standing, threshold }: MaskHead, tracker: MaskTracker): Head {
  return {
    task,
    token,
    standing,
    threshold,
    needsWindow: false,
    async run({ scene, size }, states) {
      const tokens = await tracker.prompt(scene, { states })
      const objects = tokens.map((prompt) => tracker.begin(prompt))
      const steps = await tracker.look(scene, objects, size)
      return steps.map(({ score, iou, outline }) => ({ score, consistency: iou, ...(outline ? { mask: outline.mask, box: outline.box } : {}) }))
    },
  }
}
