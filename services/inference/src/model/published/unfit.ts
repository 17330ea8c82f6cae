import type { Ports, Recognised } from './recognise.ts'

type File = Ports & { file: string; recognised: Recognised | undefined }

/** Why the files of a folder, of kinds that are known, make no head for boxes and points; nothing to say of other files. */
export function whyUnfit(files: readonly File[]): string[] {
  const reasons = files.flatMap(({ file, inputs }) => {
    const words = inputs.find(({ name }) => WORDS.includes(name))?.name
    if (!words) return []
    return [
      `${file} is a detector as SAM 3 has it: it wants words read by an encoder of its own (${words}) and takes boxes only as examples of what to find everywhere, so it outlines no single thing that is pointed out. A tracker's decoder beside it would do.`,
    ]
  })
  const layouts = new Set(files.flatMap(({ recognised }) => recognised?.layout ?? []))
  for (const { name, noMemory } of layouts) {
    const parts = files.flatMap(({ file, recognised }) => (recognised?.layout.name === name ? [{ file, part: recognised.part }] : []))
    const missing = (['encoder', 'decoder'] as const).filter((part) => !parts.some((found) => found.part === part))
    const there = parts.map(({ file, part }) => `${file} (${part})`).join(', ')
    if (missing.length > 0) reasons.push(`Of the layout ${name} there is ${there}, but no ${missing.join(' and no ')}.`)
    else if (typeof noMemory === 'object' && !parts.some(({ part }) => part === 'no-memory'))
      reasons.push(
        `Of the layout ${name} there is ${there}, but not the graph that turns ${noMemory.takes} into ${noMemory.gives} for a frame without a past (no_mem_embed.onnx).`,
      )
  }
  return reasons
}

/** Refused as well, though encoder and decoder are there: a vector that only the model's checkpoint holds. */
export const NO_MEMORY_UNTOLD =
  "its decoder is given the encoder's coarsest map with the model's no_memory_embedding added, which none of these files holds. Put it into constants.json as no_memory_embedding: a list of numbers, one for each channel, from the checkpoint they were exported from."

const WORDS = ['language_features', 'text_features']
