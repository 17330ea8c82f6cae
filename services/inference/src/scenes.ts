import { ProtocolError } from '@fovea/protocol'
import type { Scene, Window } from './heads/head.ts'
import type { VisionModel } from './model/vision-model.ts'
import type { Kept } from './stream-memory.ts'

/** Fetches the pixels of a kept picture from the main thread, for as long as `use` runs; undefined where it is gone. */
export type FetchPixels = <Result>(session: string, stream: number, frame: number, use: (pixels: Uint8Array) => Promise<Result>) => Promise<Result | undefined>

/** Scenes of frames that were seen before: from memory where they are, else made again from their pictures. */
export class Scenes {
  readonly #model: VisionModel
  readonly #fetch: FetchPixels

  constructor(model: VisionModel, fetch: FetchPixels) {
    this.#model = model
    this.#fetch = fetch
  }

  /** The scene of one kept frame. `clip`: the frames that lead up to it, where the model's unit is a clip. */
  async of(session: string, stream: number, kept: Kept, clip: readonly Kept[]): Promise<Scene> {
    if (kept.scene) return kept.scene
    if (this.#model.unit === 'clip') return this.#one(await this.#model.encode(await this.#pixels(session, stream, clip)))
    const scene = await this.#fetch(session, stream, kept.frame, async (pixels) => this.#one(await this.#model.encode([pixels])))
    if (!scene) throw gone(stream, kept.frame)
    return scene
  }

  /** What the language model sees of these frames. */
  async window(session: string, stream: number, frames: readonly Kept[]): Promise<Window> {
    const times = frames.map((frame) => frame.mediaTime)
    if (this.#model.unit === 'clip') return this.#model.window(await this.#model.encode(await this.#pixels(session, stream, frames)), times)
    const scenes = frames.map((frame): Scene => {
      if (!frame.visual) throw gone(stream, frame.frame)
      return { visual: frame.visual, features: {} }
    })
    return this.#model.window(scenes, times)
  }

  async #pixels(session: string, stream: number, frames: readonly Kept[]): Promise<Uint8Array[]> {
    const pictures: Uint8Array[] = []
    for (const frame of frames) {
      const pixels = frame.pixels ?? (await this.#fetch(session, stream, frame.frame, async (fetched) => fetched.slice()))
      if (!pixels) throw gone(stream, frame.frame)
      pictures.push(pixels)
    }
    return pictures
  }

  #one(scenes: Scene[]): Scene {
    const [scene] = scenes
    if (!scene) throw new Error('The encoder gave no scene.')
    return scene
  }
}

const gone = (stream: number, frame: number): ProtocolError =>
  new ProtocolError('frame-gone', `Frame ${frame} of stream ${stream} is not kept any more. Ask about a newer one.`)
