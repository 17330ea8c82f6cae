import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Evidence } from '@fovea/protocol'
import type { Session } from '@fovea/sdk'

/** Writes each piece of evidence into a folder that is there, as a PNG drawn over its frame; returns the files. */
export async function saveOverlays(session: Session, evidence: readonly Evidence[], folder: string): Promise<string[]> {
  const files: string[] = []
  for (const [index, { id, stream, frame, task, query }] of evidence.entries()) {
    const words = query
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, 40)
    const file = join(folder, `${String(index + 1).padStart(2, '0')}-${task}-${words || 'evidence'}.png`)
    await writeFile(file, await session.picture({ stream, frame, evidence: id }))
    files.push(file)
  }
  return files
}
