import type { Box, Point, Rle } from '@fovea/protocol'
import type { Followed, Pointing, Step } from '../heads/mask-tracker.ts'
import { pictureScene, type OpenPart } from '../model/mask-part.ts'

/** An object that joins at a frame: pointed out by a box, points with their labels, or a drawn mask. */
export type Joining = { frame: number; box?: Box; points?: Point[]; mask?: Rle }
export type FrameSteps = { frame: number; steps: { object: number; step: Step }[] }

/** Follows objects through pictures, each joining at its own frame: what a stream does with a mask head, without a stream. */
export async function* followObjects({ tracker, size }: OpenPart, pictures: Iterable<Uint8Array>, objects: readonly Joining[]): AsyncGenerator<FrameSteps> {
  const [height, width] = size
  const followed = new Map<number, Followed>()
  let frame = 0
  for (const pixels of pictures) {
    const scene = pictureScene(pixels, size)
    const fresh = new Set<number>()
    for (const [object, joining] of objects.entries()) {
      if (joining.frame !== frame) continue
      const [prompt] = await tracker.prompt(scene, joining.mask ? tracker.fromMask(joining.mask) : pointing(joining))
      if (!prompt) continue
      followed.set(object, tracker.begin(prompt))
      fresh.add(object)
    }
    const present = [...followed.entries()]
    const steps = await tracker.look(
      scene,
      present.map(([, object]) => object),
      { height, width },
    )
    const seen = present.flatMap(([object, state], index) => {
      const step = steps[index]
      return step ? [{ number: object, object: state, step, prompted: fresh.has(object) }] : []
    })
    await tracker.remember(scene, seen)
    yield { frame, steps: seen.map(({ number, step }) => ({ object: number, step })) }
    frame++
  }
}

function pointing({ box, points }: Joining): Pointing {
  if (box) return { box }
  if (points) return { points }
  throw new RangeError('An object joins with a box, points or a mask.')
}
