import { BundleError } from '../model/bundle-error.ts'
import type { Feeds, Graph } from '../model/graph.ts'
import type { Scene } from './head.ts'

/** Scenes whose own features are kept: tracks of one frame come one after the other, and two streams may take turns. */
const KEPT = 2

/** What a head sees of a scene: the shared features, or what its own encoder makes of the picture, once a scene however many objects look at it. */
export class HeadEyes {
  readonly #encode: Graph | undefined
  readonly #seen = new Map<Scene, Promise<Feeds>>()

  constructor(encode: Graph | undefined) {
    this.#encode = encode
  }

  async see(scene: Scene): Promise<Feeds> {
    if (!this.#encode) return scene.features
    const seen = this.#seen.get(scene) ?? this.#look(scene, this.#encode)
    this.#seen.delete(scene)
    this.#seen.set(scene, seen)
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > KEPT && oldest) this.#seen.delete(oldest)
    return seen
  }

  async #look({ pixels }: Scene, encode: Graph): Promise<Feeds> {
    if (!pixels) throw new BundleError(encode.file, 'the mask head has an encoder of its own, and the picture of this frame is not at hand.')
    const { 'features.s4': s4, 'features.s8': s8, 'features.s16': s16, 'features.s32': s32, attended } = await encode.run({ 'pixels.frame': pixels })
    return { 'features.s4': s4, 'features.s8': s8, 'features.s16': s16, 'features.s32': s32, attended }
  }
}
