import { openFile } from './file.ts'
import type { Source } from './source.ts'

export type Sample = { file: string; title: string; about: string; ask: string | undefined }

/** What ships with Fovea: `/samples/index.json`, a list of `{file, title, about?, ask?}`. None is no error. */
export async function listSamples(): Promise<Sample[]> {
  const response = await fetch('/samples/index.json').catch(() => undefined)
  if (!response?.ok || !response.headers.get('content-type')?.includes('json')) return []
  const index: unknown = await response.json()
  const entries = Array.isArray(index) ? index : typeof index === 'object' && index && 'samples' in index && Array.isArray(index.samples) ? index.samples : []
  return entries.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || !entry || !('file' in entry) || typeof entry.file !== 'string') return []
    const text = (name: 'title' | 'about' | 'ask') => (name in entry ? String(Reflect.get(entry, name)) : undefined)
    return [{ file: entry.file, title: text('title') ?? entry.file, about: text('about') ?? '', ask: text('ask') }]
  })
}

export async function openSample({ file, title }: Sample): Promise<Source> {
  const response = await fetch(`/samples/${file}`)
  if (!response.ok) throw new Error(`the sample ${file} is not there (${response.status}).`)
  return openFile(await response.blob(), title, { loop: true })
}
