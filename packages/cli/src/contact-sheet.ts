import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeRle } from '@fovea/protocol'
import type { Box, Rle } from '@fovea/protocol'
import sharp from 'sharp'
import type { OverlayOptions } from 'sharp'
import type { Clip } from './evaluation-folder.ts'
import type { EvalRecord, TrackEntry } from './metrics/record.ts'

const CELL = { width: 280, picture: 210, text: 62 }
const COLUMNS = 5
const TRUE = '#2fbf5b'
const SAID = '#ff4d4f'

type Shown = { boxes: readonly Box[]; mask: Rle | null | undefined; words: string }

/** Records as pictures on one sheet: what is true in green, what was said in red, the question and both answers under it. */
export async function contactSheet(records: readonly EvalRecord[], clips: ReadonlyMap<string, Clip>, folder: string): Promise<Buffer> {
  const height = CELL.picture + CELL.text
  const cells: OverlayOptions[] = []
  for (const [index, record] of records.entries()) {
    cells.push({ input: await cell(record, clips.get(record.clip), folder), left: (index % COLUMNS) * CELL.width, top: Math.floor(index / COLUMNS) * height })
  }
  const rows = Math.max(1, Math.ceil(records.length / COLUMNS))
  return sharp({ create: { width: COLUMNS * CELL.width, height: rows * height, channels: 3, background: '#14161a' } })
    .composite(cells)
    .png()
    .toBuffer()
}

async function cell(record: EvalRecord, clip: Clip | undefined, folder: string): Promise<Buffer> {
  const ask = record.ask === undefined ? undefined : clip?.asks[record.ask]
  const number = ask?.at?.frame ?? ask?.prompt?.frame ?? (clip ? clip.frames.length - 1 : 0)
  const path = clip?.frames[number]
  const size = { width: CELL.width - 8, height: CELL.picture - 8 }
  const bytes = path ? await readFile(join(folder, path)) : undefined
  const picture = bytes ? await sharp(bytes).resize(size.width, size.height, { fit: 'fill' }).removeAlpha().toBuffer() : undefined
  const truth = truthOf(record)
  const said = saidOf(record)
  const layers: OverlayOptions[] = picture ? [{ input: picture, left: 4, top: 4 }] : []
  for (const [mask, colour] of [
    [truth.mask, TRUE],
    [said.mask, SAID],
  ] as const)
    if (mask) layers.push({ input: await tinted(mask, colour, size), left: 4, top: 4 })
  layers.push({ input: Buffer.from(drawing(record, ask?.text ?? ask?.watch?.phrase ?? '(a prompt)', truth, said, size)), left: 0, top: 0 })
  return sharp({ create: { width: CELL.width, height: CELL.picture + CELL.text, channels: 3, background: '#14161a' } })
    .composite(layers)
    .png()
    .toBuffer()
}

function truthOf({ expect }: EvalRecord): Shown {
  const { regions = [], mask, answer, spans, track } = expect
  const boxes = regions.length > 0 ? regions : lastBox(track)
  const words = answer?.join(' / ') ?? (spans ? spansText(spans) : regions.length + (track?.length ?? 0) === 0 && !mask ? 'not there' : '')
  return { boxes, mask, words }
}

function saidOf({ prediction }: EvalRecord): Shown {
  const boxes = prediction.heads.flatMap(({ regions = [], track }) => [...regions.map(({ box }) => box), ...lastBox(track)])
  const mask = prediction.heads.find((head) => head.mask)?.mask
  const spans = prediction.heads.flatMap((head) => head.spans ?? [])
  return { boxes, mask, words: [prediction.text, spans.length > 0 ? spansText(spans.map(({ span }) => span)) : ''].filter(Boolean).join(' ') }
}

function lastBox(track: readonly TrackEntry[] = []): Box[] {
  return track.flatMap(({ box }) => (box ? [box] : [])).slice(-1)
}

function spansText(spans: readonly (readonly [number, number])[]): string {
  return spans
    .slice(0, 2)
    .map(([from, to]) => `${(from / 1000).toFixed(1)}–${(to / 1000).toFixed(1)} s`)
    .join(', ')
}

async function tinted(mask: Rle, colour: string, size: { width: number; height: number }): Promise<Buffer> {
  const [height, width] = mask.size
  const rgb = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
  const pixels = Buffer.alloc(width * height * 4)
  decodeRle(mask).forEach((bit, index) => bit && pixels.set([...rgb, 110], index * 4))
  return sharp(pixels, { raw: { width, height, channels: 4 } })
    .resize(size.width, size.height, { fit: 'fill', kernel: 'nearest' })
    .png()
    .toBuffer()
}

function drawing({ clip, row }: EvalRecord, question: string, truth: Shown, said: Shown, { width, height }: { width: number; height: number }): string {
  const boxes = (
    [
      [truth, TRUE],
      [said, SAID],
    ] as const
  ).flatMap(([shown, colour]) =>
    shown.boxes.map(
      ([x0, y0, x1, y1]) =>
        `<rect x="${4 + x0 * width}" y="${4 + y0 * height}" width="${(x1 - x0) * width}" height="${(y1 - y0) * height}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ),
  )
  const texts = [
    line(question, CELL.picture + 12, '#e8eaed'),
    line(`${clip} · ${row}`, CELL.picture + 27, '#8b919a'),
    line(truth.words, CELL.picture + 42, TRUE),
    line(said.words, CELL.picture + 57, SAID),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${CELL.width}" height="${CELL.picture + CELL.text}">${boxes.join('')}${texts.join('')}</svg>`
}

function line(text: string, y: number, colour: string): string {
  return `<text x="6" y="${y}" font-family="DejaVu Sans, Arial, sans-serif" font-size="12" fill="${colour}">${escaped(text.slice(0, 44))}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
