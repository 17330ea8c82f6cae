import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readManifest } from '../bundle.ts'
import { filesOfHead, headSource } from './part-source.ts'

/** Says what a mask head by itself is: which layout its files have, what it can do, what it lacks. A folder that is neither is told as a broken bundle. */
export async function inspectHead(folder: string, { json }: { json: boolean }): Promise<void> {
  const source = await headSource(folder, 'mask').catch(async (error: unknown) => {
    if (error instanceof Error && /layout that is known/.test(error.message)) throw error
    await readManifest(folder)
    throw error
  })
  const { head, part, says } = source
  const layout = head.task === 'mask' ? head.graphs.decode.published : undefined
  const files = await Promise.all(filesOfHead(head).map(async (file) => ({ file, bytes: (await stat(join(source.folder, file))).size })))
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ ok: true, part: head.task, name: part.name, licence: part.licence, phrases: head.phrases !== false, layout, ...says, files })}\n`,
    )
    return
  }
  const lines = [
    `${part.name}: a ${head.task} head by itself (${part.licence}), from ${part.source}`,
    ...(layout ? [`layout  ${layout.layout}, pictures of ${layout.size} x ${layout.size}`] : []),
    ...(says?.does.map((can) => `does    ${can}`) ?? []),
    ...(says?.lacks.map((cannot) => `lacks   ${cannot}`) ?? []),
    ...files.map(({ file, bytes }) => `file    ${file} ${(bytes / 1e6).toFixed(2)} MB`),
    'use     fovea model compose OUT --backbone BUNDLE --mask THIS',
  ]
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}
