import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { download } from './download.ts'
import { familyNamed, type Family, type ImportChoices } from './families.ts'
import { authorization, listPublished, type HubOptions } from './hub-listing.ts'

export type ImportOptions = {
  family: string
  /** `hub`, or a folder that holds the weights already */
  from: string
  out: string
  choices: ImportChoices
  onProgress?: (detail: string) => void
  run: (args: readonly string[]) => Promise<void>
  hub?: HubOptions & { cache?: string }
}

/** Published weights to what is served: downloaded or taken from a folder, checked by the trainer, exported. → what `out` is now. */
export async function importFamily({ family: name, from, out, choices, onProgress = () => {}, run, hub }: ImportOptions): Promise<string> {
  const family = familyNamed(name)
  const folder = from === 'hub' ? await fetched(family, choices, onProgress, hub) : resolve(from)
  const present = await readdir(folder).catch(() => undefined)
  if (!present) throw new Error(`${folder} is no folder. Give --from hub, or the folder that the weights of ${name} lie in.`)
  if (!present.some((file) => family.files.test(file))) throw new Error(`${folder} holds nothing of ${name}; ${family.wants} is expected.`)
  for (const step of family.steps(folder, resolve(out), choices)) {
    onProgress(`fovea-train ${step[0] ?? ''}`)
    await run(step)
  }
  await family.bring?.(folder, resolve(out))
  return family.makes
}

/** Every file of the family in the cache, whole and with the right hash. */
async function fetched(family: Family, choices: ImportChoices, onProgress: (detail: string) => void, hub: ImportOptions['hub'] = {}): Promise<string> {
  if (!family.published) throw new Error(`Files of ${family.name} lie with many publishers: download those you want and give their folder with --from.`)
  const published = family.published(choices)
  const files = await listPublished(published, family.files, hub)
  const folder = join(hub.cache ?? join(homedir(), '.cache/fovea/hub'), published.repository)
  const total = files.reduce((sum, file) => sum + file.bytes, 0)
  let before = 0
  for (const file of files) {
    await download(file, join(folder, file.path), {
      headers: authorization(published.host, hub.environment ?? process.env),
      ...(hub.fetch && { fetch: hub.fetch }),
      onBytes: (received) => onProgress(`${file.path}: ${gigabytes(before + received)} of ${gigabytes(total)}`),
    })
    before += file.bytes
  }
  return folder
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
