import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProtocolError, sampleFrames, type Box, type Region, type Rle, type Task } from '@fovea/protocol'
import { compile, speak, type Mark } from '../asks/speak.ts'
import type { Scene, View, Window } from '../heads/head.ts'
import { stack } from '../model/tensor.ts'
import type { VisionModel } from '../model/vision-model.ts'
import type { PictureDecoder } from '../pictures/picture-decoder.ts'
import { pictureSize } from '../pictures/picture-size.ts'
import { pointOnFrame, stepTracks, Track } from '../tracks/track.ts'
import { FolderError, type EvaluationAsk, type EvaluationClip } from './folder.ts'

type TrackEntry = { frame: number; box?: Box; mask?: Rle; absent?: true }
export type EvaluationHead = {
  task: Task
  phrase: string
  regions?: Region[]
  mask?: Rle | null
  track?: TrackEntry[]
  spans?: { span: [number, number]; score: number }[]
}
export type Prediction = { text: string; heads: EvaluationHead[]; frames?: { frame: number; regions: Region[] }[] }
type Seen = { scene: Scene; width: number; height: number }

/** A clip's frames through the decoder and the encoder, once; then every ask on what they gave. */
export class ClipRun {
  readonly #model: VisionModel
  readonly #clip: EvaluationClip
  readonly #seen: readonly Seen[]
  readonly #pixels: readonly Uint8Array[]

  private constructor(model: VisionModel, clip: EvaluationClip, seen: readonly Seen[], pixels: readonly Uint8Array[]) {
    this.#model = model
    this.#clip = clip
    this.#seen = seen
    this.#pixels = pixels
  }

  static async open(model: VisionModel, decoder: PictureDecoder, folder: string, clip: EvaluationClip): Promise<ClipRun> {
    const { height, width } = model.image
    const pixels: Uint8Array[] = []
    const seen: Seen[] = []
    for (const [index, file] of clip.frames.entries()) {
      const bytes = await readFile(join(folder, file)).catch((cause: unknown) => {
        throw new FolderError(`${clip.clip}: frame ${file} is missing.`, { cause })
      })
      const size = await pictureSize(bytes)
      if (!size) throw new FolderError(`${clip.clip}: frame ${file} is no JPEG, PNG or WebP picture.`)
      const picture = new Uint8Array(height * width * 3)
      await decoder.decode({ ...size, maxPixels: 64 * 1024 * 1024, bytes }, picture, [height, width])
      pixels.push(picture)
      const [scene] = await model.encode(model.unit === 'clip' ? windowOf(model, clip.times, index).flatMap((at) => pixels[at] ?? []) : [picture])
      if (!scene) throw new Error('The encoder gave no scene.')
      seen.push({ scene, width: size.width, height: size.height })
    }
    return new ClipRun(model, clip, seen, pixels)
  }

  async predict(ask: EvaluationAsk): Promise<Prediction> {
    const last = ask.at?.frame ?? this.#clip.frames.length - 1
    if (ask.watch) return { text: '', heads: [], frames: await this.#watch(ask.watch.phrase, last) }
    if (ask.prompt) return { text: '', heads: [{ task: 'track', phrase: '', track: await this.#point(ask.prompt) }] }
    const window = await this.#window(last)
    const { text, marks } = await speak(this.#model.language, window, ask.text ?? '')
    const heads: EvaluationHead[] = []
    for (const mark of marks) heads.push(await this.#look(mark, this.#view(last, window), ask.expect.track !== undefined))
    return { text, heads }
  }

  async #look({ task, query: phrase, state }: Mark, view: View, follow: boolean): Promise<EvaluationHead> {
    if (task === 'mask' && follow) {
      const track = new Track({ track: 'evaluated', stream: 0, prompt: { query: phrase } })
      track.state = state
      return { task: 'track', phrase, track: await this.#follow(track, 0) }
    }
    const [sight] = (await this.#model.heads.list.find((head) => head.task === task)?.run(view, stack([state]))) ?? []
    if (task === 'mask') return { task, phrase, mask: sight?.mask ?? null }
    if (task === 'moment') return { task, phrase, spans: (sight?.spans ?? []).map(({ start, end, score }) => ({ span: [start, end], score })) }
    return { task, phrase, regions: sight?.regions ?? [] }
  }

  /** A standing phrase: compiled once, then the head alone on every later frame. */
  async #watch(phrase: string, first: number): Promise<{ frame: number; regions: Region[] }[]> {
    const { state } = await compile(this.#model.language, await this.#window(first), phrase, 'region')
    const head = this.#model.heads.list.find((each) => each.task === 'region')
    const frames: { frame: number; regions: Region[] }[] = []
    for (let frame = first; frame < this.#seen.length; frame++) {
      const [sight] = (await head?.run(this.#view(frame), stack([state]))) ?? []
      frames.push({ frame, regions: sight?.regions ?? [] })
    }
    return frames
  }

  /** What a model cannot be prompted with it does not find: the ask counts as missed, the others go on. */
  async #point(prompt: NonNullable<EvaluationAsk['prompt']>): Promise<TrackEntry[]> {
    try {
      return await this.#follow(pointed(prompt), prompt.frame)
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'unsupported') return []
      throw error
    }
  }

  async #follow(track: Track, first: number): Promise<TrackEntry[]> {
    const { tracker } = this.#model.heads
    if (!tracker) return []
    const entries: TrackEntry[] = []
    for (let frame = first; frame < this.#seen.length; frame++) {
      const { scene, size } = this.#view(frame)
      const step = { frame: frame + 1, mediaTime: this.#clip.times[frame] ?? frame, ...size }
      const pointOut = frame === first && !('query' in track.body.prompt)
      const { perceptions } = pointOut ? await pointOnFrame(tracker, track, scene, step) : await stepTracks(tracker, [track], scene, step)
      const [seen] = perceptions
      entries.push(seen?.mask && seen.box ? { frame, box: seen.box, mask: seen.mask } : { frame, absent: true })
    }
    return entries
  }

  #view(frame: number, window?: Window): View {
    const seen = this.#seen[frame]
    if (!seen) throw new FolderError(`${this.#clip.clip}: there is no frame ${frame}.`)
    return { scene: seen.scene, window, size: { width: seen.width, height: seen.height } }
  }

  async #window(last: number): Promise<Window> {
    const chosen = windowOf(this.#model, this.#clip.times, last)
    const times = chosen.map((index) => this.#clip.times[index] ?? 0)
    const scenes =
      this.#model.unit === 'clip'
        ? await this.#model.encode(chosen.flatMap((at) => this.#pixels[at] ?? []))
        : chosen.flatMap((at) => this.#seen[at]?.scene ?? [])
    return this.#model.window(scenes, times)
  }
}

/** The frames that the model sees of a clip up to and with one of them, as a session would choose them. */
function windowOf(model: VisionModel, times: readonly number[], last: number): number[] {
  return sampleFrames(times.slice(0, last + 1), { end: times[last] ?? 0 }, model.sampling)
}

function pointed(prompt: NonNullable<EvaluationAsk['prompt']>): Track {
  const frame = prompt.frame + 1
  return new Track({ track: 'evaluated', stream: 0, prompt: 'box' in prompt ? { box: prompt.box, frame } : { points: prompt.points, frame } })
}
