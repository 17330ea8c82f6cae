import { constants, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fillNewFolder } from '../new-folder.ts'
import { filesOfHead, hashOf } from './part-source.ts'
import { publishedPart } from './published-part.ts'

/** ONNX files that others published to a mask head by itself: the two that are needed, and the `mask.json` that says what they are. */
export function importPublished(folder: string, out: string): Promise<void> {
  return fillNewFolder(out, 'a head is imported', (half) => importInto(half, folder))
}

async function importInto(out: string, folder: string): Promise<void> {
  const { layout, head, does, lacks } = await publishedPart(folder)
  const hashes: Record<string, string> = {}
  for (const file of filesOfHead(head)) {
    await mkdir(dirname(join(out, file)), { recursive: true })
    await copyFile(join(folder, file), join(out, file), constants.COPYFILE_FICLONE)
    hashes[file] = await hashOf(out, file)
  }
  const size = head.task === 'mask' ? (head.graphs.decode.published?.size ?? 0) : 0
  const part = {
    part: 'mask',
    family: layout,
    image: { size: [size, size], resize: 'stretch' },
    head,
    hashes,
    parts: [{ name: layout, source: `ONNX files of the layout ${layout}`, licence: 'as their publisher says' }],
    does,
    lacks,
  }
  await writeFile(join(out, 'mask.json'), `${JSON.stringify(part, null, 1)}\n`)
}
