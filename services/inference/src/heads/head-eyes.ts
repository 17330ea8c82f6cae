import { BundleError } from '../model/bundle-error.ts'
import type { Feeds, Graph } from '../model/graph.ts'
import { release } from '../model/tensor.ts'
import type { Scene } from './head.ts'

/** Scenes whose own features are kept: tracks of one frame come one after the other, and two streams may take turns. */
const KEPT = 2

/** Features of a scene, and how many look at them at this moment. */
type Seen = { features: Promise<Feeds>; users: number }

/** What a head sees of a scene: the shared features, or what its own encoder makes of the picture, once a scene however many objects look at it. */
export class HeadEyes {
  readonly #encode: Graph | undefined
  readonly #seen = new Map<Scene, Seen>()

  constructor(encode: Graph | undefined) {
    this.#encode = encode
  }

  /** Features last as long as the work that looks at them, at least. */
  async see<Result>(scene: Scene, work: (features: Feeds) => Promise<Result>): Promise<Result> {
    if (!this.#encode) return work(scene.features)
    const seen = this.#seen.get(scene) ?? { features: this.#look(scene, this.#encode), users: 0 }
    this.#seen.delete(scene)
    this.#seen.set(scene, seen)
    seen.users++
    try {
      return await work(await seen.features)
    } finally {
      seen.users--
      await this.#forget()
    }
  }

  /** Beyond those that are kept, the oldest that nobody looks at. */
  async #forget(): Promise<void> {
    for (const [scene, { features, users }] of [...this.#seen].slice(0, -KEPT)) {
      if (users > 0) continue
      this.#seen.delete(scene)
      release(...Object.values(await features.catch((): Feeds => ({}))))
    }
  }

  async #look({ pixels }: Scene, encode: Graph): Promise<Feeds> {
    if (!pixels) throw new BundleError(encode.file, 'the mask head has an encoder of its own, and the picture of this frame is not at hand.')
    const { 'features.s4': s4, 'features.s8': s8, 'features.s16': s16, 'features.s32': s32, attended } = await encode.run({ 'pixels.frame': pixels })
    return { 'features.s4': s4, 'features.s8': s8, 'features.s16': s16, 'features.s32': s32, attended }
  }
}
