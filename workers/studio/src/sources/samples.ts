import { openFile } from './file.ts'
import type { Source } from './source.ts'

export type Sample = { file: string; title: string; shows: string; questions: readonly string[] }

/** What ships with Fovea: `/samples/samples.json`, a list of `{file, shows, questions}`. None is no error. */
export async function listSamples(): Promise<Sample[]> {
  const response = await fetch('/samples/samples.json').catch(() => undefined)
  if (!response?.ok || !response.headers.get('content-type')?.includes('json')) return []
  return readSamples(await response.json())
}

/** The entries of the list that the page can use; what it cannot read it leaves out. */
export function readSamples(index: unknown): Sample[] {
  if (!Array.isArray(index)) return []
  return index.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || !entry || !('file' in entry) || typeof entry.file !== 'string') return []
    const shows = 'shows' in entry && Array.isArray(entry.shows) ? entry.shows.filter((one) => typeof one === 'string').join(', ') : ''
    const questions = 'questions' in entry && Array.isArray(entry.questions) ? entry.questions.flatMap(textOf) : []
    return [{ file: entry.file, title: titleOf(entry.file), shows, questions }]
  })
}

export async function openSample({ file, title }: Sample): Promise<Source> {
  const response = await fetch(`/samples/${file}`)
  if (!response.ok) throw new Error(`the sample ${file} is not there (${response.status}).`)
  return openFile(await response.blob(), title, { loop: true })
}

function textOf(question: unknown): string[] {
  return typeof question === 'object' && question && 'text' in question && typeof question.text === 'string' ? [question.text] : []
}

// a-crowd.webp → A crowd
function titleOf(file: string): string {
  const words = file
    .replace(/^.*\//, '')
    .replace(/\.\w+$/, '')
    .replaceAll(/[-_]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
