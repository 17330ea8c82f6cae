import { encodeRle, type Box, type Rle } from '@fovea/protocol'
import { compileAll } from '../asks/speak.ts'
import type { Scene, Window } from '../heads/head.ts'
import type { Followed, MaskTracker, Pointing } from '../heads/mask-tracker.ts'
import { BundleError } from './bundle-error.ts'
import type { OnnxModel } from './onnx-model.ts'
import { stack, type FloatTensor } from './tensor.ts'

const BOX: Box = [0.25, 0.25, 0.75, 0.75]

/** Runs every graph once, so that the first session does not pay for plans and shaders, what does not run is known at start, and a hanging run can be told from a slow one. */
export async function warmUp(model: OnnxModel): Promise<void> {
  const { heads, language, image } = model
  const { scene, window } = await look(model)
  const marks = await compileAll(
    language,
    window,
    'it',
    heads.list.map(({ task }) => task),
  )
  if (language.takesBoxes) await language.boxes([BOX])
  for (const [index, head] of heads.list.entries())
    await head.run({ scene, window, size: image }, stack(marks.slice(index, index + 1).map(({ state }) => state)))
  const phrases = marks.filter(({ task }) => task === 'mask').map(({ state }) => state)
  if (heads.tracker) await follow(heads.tracker, scene, image, phrases.length > 0 ? stack(phrases) : undefined)
}

/** A grey picture as the encoder sees it, which must be as the manifest says. */
async function look(model: OnnxModel): Promise<{ scene: Scene; window: Window }> {
  const { image, sampling, unit, visual } = model
  const grey = new Uint8Array(image.height * image.width * 3).fill(128)
  const [scene] = await model.encode(unit === 'clip' ? Array.from({ length: sampling.frames }, () => grey) : [grey])
  if (!scene) throw new BundleError('manifest.json', 'the vision graph gave no scene for a grey picture.')
  const [tokens, width] = scene.visual.dims
  if (tokens !== visual.tokens || width !== visual.width)
    throw new BundleError(
      'manifest.json',
      `vision: ${visual.tokens} tokens of width ${visual.width} a ${unit} are promised; the vision graph gives ${tokens} of width ${width}. Export the bundle again.`,
    )
  const scenes = Array.from({ length: sampling.frames }, () => scene)
  const times = scenes.map((_, index) => index * sampling.everyMs)
  return { scene, window: model.window(scenes, times) }
}

/** An object for each way to point one out, through its first frame; one of them goes on from its memory. */
async function follow(tracker: MaskTracker, scene: Scene, size: { height: number; width: number }, states: FloatTensor | undefined): Promise<void> {
  const ways: (Pointing | undefined)[] = [
    states && tracker.takes.has('states') ? { states } : undefined,
    tracker.takes.has('box') ? { box: BOX } : undefined,
    tracker.takes.has('points') ? { points: [[0.5, 0.5, 1]] } : undefined,
    tracker.takes.has('mask') ? tracker.fromMask(drawnSquare()) : undefined,
  ]
  const objects: Followed[] = []
  for (const way of ways) if (way) objects.push(...(await tracker.prompt(scene, way)).map((prompt) => tracker.begin(prompt)))
  const steps = await tracker.look(scene, objects, size)
  await tracker.remember(
    scene,
    objects.flatMap((object, index) => (steps[index] ? [{ object, step: steps[index], prompted: true }] : [])),
  )
  // The second look is the first that goes on from a memory.
  await tracker.look(scene, objects.slice(0, 1), size)
}

/** A drawn mask: the middle of 4 × 4 cells. */
function drawnSquare(): Rle {
  return encodeRle(
    Uint8Array.from({ length: 16 }, (_, at) => (at % 4 > 0 && at % 4 < 3 && at > 3 && at < 12 ? 1 : 0)),
    4,
    4,
  )
}
