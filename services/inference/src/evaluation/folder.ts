import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Box, Point, Rle } from '@fovea/protocol'
import { z } from 'zod'

const Frame = z.int().min(0)
// What is expected goes into the records as it stands; only what decides how a clip is run is read here.
const Expect = z.looseObject({
  regions: z.array(Box).optional(),
  mask: Rle.nullish(),
  track: z.array(z.looseObject({ frame: Frame, box: Box.optional() })).optional(),
  spans: z.array(z.tuple([z.number(), z.number()])).optional(),
  answer: z.array(z.string()).optional(),
})
const Ask = z.looseObject({
  text: z.string().optional(),
  at: z.looseObject({ frame: Frame }).optional(),
  prompt: z.union([z.object({ frame: Frame, box: Box }), z.object({ frame: Frame, points: z.array(Point).min(1) })]).optional(),
  watch: z.looseObject({ phrase: z.string() }).optional(),
  expect: Expect,
  row: z.string().optional(),
  kind: z.string().optional(),
  phrases: z.array(z.looseObject({})).optional(),
})
const Clip = z.looseObject({
  clip: z.string(),
  frames: z.array(z.string()).min(1),
  times: z.array(z.number()).optional(),
  aspect: z.number().optional(),
  scene: z.string().optional(),
  asks: z.array(Ask),
})
const Dataset = z.looseObject({ name: z.string(), fps: z.number().positive() })

export type EvaluationAsk = z.infer<typeof Ask>
export type EvaluationClip = z.infer<typeof Clip> & { times: number[] }
export class FolderError extends Error {}

/** The clips of an evaluation folder (docs/design/evaluation.md). Every fault names the file and the line, before anything is run. */
export async function readFolder(folder: string): Promise<EvaluationClip[]> {
  const { fps } = parse(Dataset, await text(folder, 'dataset.json'), 'dataset.json')
  const lines = (await text(folder, 'clips.jsonl')).split('\n')
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    const where = `clips.jsonl, line ${index + 1}`
    const clip = parse(Clip, line, where)
    const times = clip.times ?? clip.frames.map((_, frame) => (frame * 1000) / fps)
    if (times.length !== clip.frames.length) throw new FolderError(`${where}: ${clip.frames.length} frames, ${times.length} times; there must be one for each.`)
    for (const ask of clip.asks) {
      const frame = ask.at?.frame ?? ask.prompt?.frame
      if (frame !== undefined && frame >= clip.frames.length)
        throw new FolderError(`${where}: an ask names frame ${frame}; the clip has ${clip.frames.length}, counted from 0.`)
      if (ask.text === undefined && !ask.prompt && !ask.watch)
        throw new FolderError(`${where}: an ask has \`text\`, \`prompt\` or \`watch\`; this one has none.`)
    }
    return [{ ...clip, times }]
  })
}

/** The line of the table that an ask counts for: its own, or the one that follows from what it expects. */
export function rowOf({ row, kind, expect, prompt }: EvaluationAsk): string {
  if (row ?? kind) return row ?? kind ?? ''
  if (expect.regions) return expect.regions.length === 0 ? 'absent' : expect.regions.length === 1 ? 'region-name' : 'region-several'
  if (expect.mask !== undefined) return 'mask'
  if (expect.track) return prompt ? ('box' in prompt ? 'track-box' : 'track-point') : 'track-phrase'
  if (expect.spans) return 'moment'
  return 'answer'
}

async function text(folder: string, file: string): Promise<string> {
  return readFile(join(folder, file), 'utf8').catch((cause: unknown) => {
    throw new FolderError(`${file} is missing in ${folder}. An evaluation folder holds dataset.json, clips.jsonl and the frames.`, { cause })
  })
}

function parse<Shape>(shape: z.ZodType<Shape>, line: string, where: string): Shape {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (cause) {
    throw new FolderError(`${where}: is not JSON.`, { cause })
  }
  const parsed = shape.safeParse(json)
  if (!parsed.success) throw new FolderError(`${where}: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}
