import { readFile } from 'node:fs/promises'
import { z } from 'zod'

/** What of a tokenizer.json tells which tokens it has: those that were added, and the vocabulary, a table or a list of pairs. */
const Tokens = z.looseObject({
  added_tokens: z.array(z.looseObject({ content: z.string() })).default([]),
  model: z.looseObject({ vocab: z.union([z.record(z.string(), z.number()), z.array(z.tuple([z.string(), z.number()]))]) }),
})

/** Every token of a tokenizer, as it is written. */
export async function tokensKnown(file: string): Promise<ReadonlySet<string>> {
  const parsed = Tokens.safeParse(JSON.parse(await readFile(file, 'utf8')))
  if (!parsed.success) throw new Error(`${file} is no tokenizer.json of Hugging Face tokenizers: ${z.prettifyError(parsed.error)}`)
  const { added_tokens: added, model } = parsed.data
  const vocabulary = Array.isArray(model.vocab) ? model.vocab.map(([token]) => token) : Object.keys(model.vocab)
  return new Set([...vocabulary, ...added.map(({ content }) => content)])
}
