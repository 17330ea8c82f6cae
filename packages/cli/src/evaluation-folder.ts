import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The part of a clip that drawing it needs (docs/design/evaluation.md). */
export type Clip = { clip: string; frames: string[]; asks: { text?: string; at?: { frame: number }; prompt?: { frame: number }; watch?: { phrase: string } }[] }

/** The clips of an evaluation folder by name. */
export async function readClips(folder: string): Promise<Map<string, Clip>> {
  const file = join(folder, 'clips.jsonl')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) throw new Error(`${file} is missing: ${folder} is no evaluation folder (docs/design/evaluation.md).`)
  const lines = text.split('\n')
  const clips = new Map<string, Clip>()
  for (const [index, line] of lines.entries()) {
    if (!line.trim()) continue
    const value: unknown = JSON.parse(line)
    if (!isClip(value)) throw new Error(`${file}, line ${index + 1}: a clip {clip, frames, asks} is expected.`)
    clips.set(value.clip, value)
  }
  return clips
}

function isClip(value: unknown): value is Clip {
  return (
    typeof value === 'object' &&
    value !== null &&
    'clip' in value &&
    typeof value.clip === 'string' &&
    'frames' in value &&
    Array.isArray(value.frames) &&
    'asks' in value &&
    Array.isArray(value.asks)
  )
}
