import type { Codec } from '@fovea/protocol'
import sharp from 'sharp'
import { jpegEnds, jpegSize } from './jpeg-size.ts'
import { resizeRgb } from './resize.ts'

export type PictureRequest = { codec: Codec; width: number; height: number; maxPixels: number; bytes: Uint8Array }
/** A picture that cannot become pixels; the words go into the verdict. */
export class PictureProblem extends Error {}

type Turbo = { sync: (jpeg: Buffer, into: Buffer) => void }

/** Makes the pictures a model takes out of what a client sends: any codec, checked against its header before memory is taken. */
export class PictureDecoder {
  readonly name: string
  readonly #turbo: Turbo | undefined
  #scratch = Buffer.alloc(0)

  private constructor(turbo: Turbo | undefined) {
    this.#turbo = turbo
    this.name = turbo ? 'jpeg-turbo' : 'sharp'
  }

  /** `exact`: to the bit what the trainer's decoder gives; the fast path for JPEG rounds differently, by one step of 255 on average. */
  static async open({ exact = false }: { exact?: boolean } = {}): Promise<PictureDecoder> {
    sharp.concurrency(1)
    sharp.cache(false)
    return new PictureDecoder(exact ? undefined : await openTurbo())
  }

  /** Decodes into `target`, stretched to `size`. */
  async decode(request: PictureRequest, target: Uint8Array, size: readonly [height: number, width: number]): Promise<void> {
    const { codec, width, height, maxPixels, bytes } = request
    if (width * height > maxPixels) throw new PictureProblem(`At most ${maxPixels} pixels are taken; ${width}×${height} came. Send a smaller picture.`)
    if (codec === 'rgb8') {
      if (bytes.byteLength !== width * height * 3)
        throw new PictureProblem(`rgb8 of ${width}×${height} is ${width * height * 3} bytes; ${bytes.byteLength} came.`)
      return resizeRgb(bytes, [height, width], target, size)
    }
    if (codec === 'jpeg') {
      this.#checkSize(request, jpegSize(bytes))
      if (!jpegEnds(bytes)) throw new PictureProblem('The JPEG is cut short: it has no end. Send the frame again, whole.')
    }
    if (codec === 'jpeg' && this.#turbo) return this.#decodeTurbo(this.#turbo, request, target, size)
    return this.#decodeSharp(request, target, size)
  }

  #decodeTurbo(turbo: Turbo, { bytes, width, height }: PictureRequest, target: Uint8Array, size: readonly [number, number]): void {
    const need = width * height * 3
    const same = height === size[0] && width === size[1]
    if (!same && this.#scratch.length < need) this.#scratch = Buffer.alloc(need)
    const into = same ? Buffer.from(target.buffer, target.byteOffset, need) : this.#scratch
    try {
      turbo.sync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), into)
    } catch {
      throw new PictureProblem('The JPEG is broken. Send the frame again, whole.')
    }
    if (!same) resizeRgb(this.#scratch, [height, width], target, size)
  }

  async #decodeSharp(request: PictureRequest, target: Uint8Array, size: readonly [number, number]): Promise<void> {
    const { bytes, width, height, maxPixels, codec } = request
    const picture = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'warning', sequentialRead: true })
    const problem = (error: unknown): never => {
      if (error instanceof PictureProblem) throw error
      throw new PictureProblem(`The ${codec} is broken or is none. Send the frame again, whole.`)
    }
    if (codec !== 'jpeg') {
      const meta = await picture.metadata().catch(problem)
      this.#checkSize(request, meta.format === codec && meta.width && meta.height ? { width: meta.width, height: meta.height } : undefined)
    }
    const { data } = await picture.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true }).catch(problem)
    if (data.length !== width * height * 3) throw new PictureProblem(`Three channels were expected; the ${codec} holds ${data.length / width / height}.`)
    resizeRgb(data, [height, width], target, size)
  }

  #checkSize({ codec, width, height }: PictureRequest, own: { width: number; height: number } | undefined): void {
    if (!own) throw new PictureProblem(`The payload is no ${codec} picture.`)
    if (own.width !== width || own.height !== height)
      throw new PictureProblem(`The header says ${width}×${height}, the picture itself ${own.width}×${own.height}. Send its true size.`)
  }
}

/** The fast path for JPEG, where its optional package is installed. */
async function openTurbo(): Promise<Turbo | undefined> {
  try {
    const {
      default: { decompressSync, FORMAT_RGB },
    } = await import('@julusian/jpeg-turbo')
    return { sync: (jpeg, into) => void decompressSync(jpeg, into, { format: FORMAT_RGB }) }
  } catch {
    return undefined
  }
}
