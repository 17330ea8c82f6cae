import { join } from 'node:path'
import type { Published } from './hub-listing.ts'
import { importPublished } from './import-published.ts'

export type ImportChoices = { precision: string; size: string; stateWidth: string }

/** A published model: where its weights are, and what the trainer makes of them. */
export type Family = {
  name: string
  licence: string
  /** not there: many publish such files, and a folder is taken */
  published?: (choices: ImportChoices) => Published
  files: RegExp
  /** what a folder must hold, in words */
  wants: string
  /** commands of the trainer, in order: the folder of the weights in, `out` out */
  steps: (folder: string, out: string, choices: ImportChoices) => string[][]
  /** instead of the trainer's steps, where files are taken as they are */
  bring?: (folder: string, out: string) => Promise<void>
  /** what `out` is afterwards */
  makes: string
}

const LANGUAGE = { files: /^[^/]+\.(safetensors|json|txt|model)$/, wants: 'config.json, tokenizer files, *.safetensors' }

const sam = (name: string, published: Published, file: string): Family => ({
  name,
  licence: 'Apache-2.0',
  published: () => published,
  files: new RegExp(`^${file.replaceAll('.', '\\.')}$`),
  wants: file,
  steps: (folder, out, { stateWidth, size }) => [['export-sam', name, out, '--weights', join(folder, file), '--state-width', stateWidth, '--size', size]],
  makes: 'a mask head, to be put into a bundle with `fovea model compose`',
})

export const FAMILIES: readonly Family[] = [
  {
    name: 'videochat-tpo',
    licence: 'MIT (model card)',
    published: () => ({ host: 'huggingface', repository: 'OpenGVLab/VideoChat-TPO' }),
    ...LANGUAGE,
    steps: (folder, out, { precision }) => [
      ['import', 'videochat-tpo', folder],
      ['export', out, '--config', 'videochat', '--start', folder, '--precision', precision],
    ],
    makes: 'a bundle that answers and points with boxes; its masks come as a part of their own with `fovea-train export … --masks`',
  },
  {
    name: 'llava-onevision',
    licence: 'Apache-2.0',
    published: ({ size }) => ({ host: 'huggingface', repository: `llava-hf/llava-onevision-qwen2-${size}-ov-hf` }),
    ...LANGUAGE,
    steps: (folder, out, { precision }) => [
      ['import', 'llava-onevision', folder],
      ['export', out, '--config', 'llava-onevision', '--start', folder, '--precision', precision],
    ],
    makes: 'a bundle; its heads and task tokens are untrained until `fovea-train train --config llava-onevision` has run',
  },
  {
    name: 'sam-onnx',
    licence: 'as their publisher says',
    files: /\.onnx$|^onnx$/,
    wants: 'an image encoder and a mask decoder of one of the layouts that docs/models.md lists (transformers.js, samexporter, SAM 2 video and others)',
    steps: () => [],
    bring: importPublished,
    makes: 'a mask head for boxes and points, to be put into a bundle with `fovea model compose`',
  },
  sam('edgetam', { host: 'github', repository: 'facebookresearch/EdgeTAM', folder: 'checkpoints' }, 'edgetam.pt'),
  sam('sam2.1-tiny', { host: 'huggingface', repository: 'facebook/sam2.1-hiera-tiny' }, 'sam2.1_hiera_tiny.pt'),
  sam('sam2.1-small', { host: 'huggingface', repository: 'facebook/sam2.1-hiera-small' }, 'sam2.1_hiera_small.pt'),
  sam('sam2.1-base-plus', { host: 'huggingface', repository: 'facebook/sam2.1-hiera-base-plus' }, 'sam2.1_hiera_base_plus.pt'),
  sam('sam2.1-large', { host: 'huggingface', repository: 'facebook/sam2.1-hiera-large' }, 'sam2.1_hiera_large.pt'),
]

/** `size` means parameters for a language model and pixels for a mask head. */
export function sizeFor(family: Family, size: string | undefined): string {
  return size ?? (family.name === 'llava-onevision' ? '0.5b' : '1024')
}

export function familyNamed(name: string): Family {
  const family = FAMILIES.find((each) => each.name === name)
  if (!family) throw new Error(`There is no family ${name}; these can be imported: ${FAMILIES.map((each) => each.name).join(', ')}.`)
  return family
}
