import { ProtocolError } from '@fovea/protocol'

/** A place in what is known so far: `input.thing`, `find.count`, `find.box`. */
export type Reference = { source: string; path: string[] }
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
/** What steps found, by step id, and what the run was given. */
export type Known = { input: Record<string, Json>; outputs: Record<string, Record<string, Json>> }

const IN_TEXT = /\{\{\s*([^{}]+?)\s*\}\}/g
const REFERENCE = /^[a-z][a-z0-9-]*(\.[A-Za-z0-9_]+)+$/

/** `find.count` taken apart. Refuses what is none. */
export function parseReference(text: string): Reference {
  if (!REFERENCE.test(text))
    throw new ProtocolError('invalid-message', `A reference names a step or input and a value in it, such as find.count or input.thing; "${text}" came.`)
  const [source = '', ...path] = text.split('.')
  return { source, path }
}

/** The references in a text, in order. */
export function referencesIn(text: string): Reference[] {
  return [...text.matchAll(IN_TEXT)].map((match) => parseReference(match[1] ?? ''))
}

/** The value that a reference stands for. */
export function resolve(reference: Reference, { input, outputs }: Known): Json {
  const { source, path } = reference
  const start: Json | undefined = source === 'input' ? input : outputs[source]
  let value: Json | undefined = start
  for (const key of path) value = typeof value === 'object' && value !== null ? (Array.isArray(value) ? value[Number(key)] : value[key]) : undefined
  if (value === undefined) {
    const has = start && typeof start === 'object' ? Object.keys(start).join(', ') || 'nothing' : 'nothing'
    throw new ProtocolError('invalid-message', `There is no ${[source, ...path].join('.')}; ${source} has ${has}.`)
  }
  return value
}

/** A text with its references replaced by what they stand for. */
export function fill(text: string, known: Known): string {
  return text.replace(IN_TEXT, (_, inner: string) => {
    const value = resolve(parseReference(inner), known)
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}
