import { ProtocolError, type BundleManifest } from '@fovea/protocol'
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { BundleError } from './bundle-error.ts'

/** What a user writes where a box is meant; a bundle has a token of its own for it. */
const BOX = '<box>'

export type TaskToken = { task: BundleManifest['heads'][number]['task']; triggerId: number; taskId: number }
/** The ids around the visual prefix. */
export type Prompt = { before: number[]; after: number[] }

/** Text to ids and back, the prompt, and the tokens that mean more than words. */
export class Vocabulary {
  readonly eos: number
  readonly phrase: number
  readonly visual: number
  /** stands for a box in a prompt; undefined in bundles that take none */
  readonly box: number | undefined
  readonly tokens: readonly TaskToken[]
  readonly #tokenizer: Tokenizer
  readonly #template: Template
  readonly #special: readonly string[]
  readonly #boxToken: string
  /** what a word that the tokenizer does not know becomes, where there is such a thing */
  readonly #unknown: number | undefined

  constructor(manifest: BundleManifest, tokenizerJson: object) {
    const { language, tokenizer: file } = manifest
    this.#tokenizer = new Tokenizer(tokenizerJson, {})
    this.#template = new Template(language.template)
    const knows = (token: string): boolean => this.#tokenizer.token_to_id(token) !== undefined
    const id = (token: string): number => {
      const found = this.#tokenizer.token_to_id(token)
      if (found === undefined) throw new BundleError(file, `has no token ${token}, which the manifest names.`)
      if (found >= language.vocabulary) throw new BundleError(file, `token ${token} has id ${found}; the manifest's vocabulary ends at ${language.vocabulary}.`)
      return found
    }
    this.eos = id(language.eos)
    this.phrase = id(language.phraseToken)
    this.visual = id(language.visualToken)
    this.box = language.boxToken === undefined ? undefined : id(language.boxToken)
    this.#boxToken = language.boxToken ?? ''
    this.#unknown = unknownToken(language.closedVocabulary ? tokenizerJson : {})
      .map((token) => this.#tokenizer.token_to_id(token))
      .find((known) => known !== undefined)
    // A head without phrases is never called by the model; where the tokenizer has its tokens, they are still no words.
    const spoken = manifest.heads.filter(({ phrases, token }) => phrases !== false || (knows(token.trigger) && knows(token.task)))
    this.tokens = spoken.map(({ task, token }) => ({ task, triggerId: id(token.trigger), taskId: id(token.task) }))
    this.#special = [...this.#tokenizer.get_added_tokens_decoder().values()].map((token) => token.content)
  }

  /** The ids of an ask, split where the visual prefix goes. Special tokens in a user's words are words taken out, not commands; `<box>` stands for each of `boxes`. */
  prompt(text: string, boxes = 0): Prompt {
    this.#understand(text)
    const ids = this.encode(this.rendered(boxes > 0 ? this.#withBoxes(text, boxes) : this.#plain(text)))
    const at = ids.indexOf(this.visual)
    return at < 0 ? { before: [], after: ids } : { before: ids.slice(0, at), after: ids.slice(at + 1) }
  }

  /** The prompt of words as the template writes it. */
  rendered(text: string): string {
    return this.#template.render({ text })
  }

  /** What is fed after the prompt of a bare phrase to make a head speak: `<p> phrase <trigger> <task>`. */
  forced(phrase: string, { triggerId, taskId }: TaskToken): number[] {
    return [this.phrase, ...this.encode(this.#plain(phrase)), triggerId, taskId]
  }

  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids
  }

  /** Ids as text, special tokens left out. */
  text(ids: readonly number[]): string {
    return ids.length === 0 ? '' : this.#tokenizer.decode([...ids], { skip_special_tokens: true })
  }

  /** Refuses a question of words that mean nothing here: what it is about comes last in English, and the answer would be about something else. */
  #understand(text: string): void {
    if (this.#unknown === undefined) return
    const ids = this.encode(text.replaceAll(BOX, ' ').trim())
    const unknown = ids.filter((id) => id === this.#unknown).length
    if (unknown === 0 || (ids.at(-1) !== this.#unknown && unknown * 2 < ids.length)) return
    const words = text.split(/\s+/).filter((word) => word !== '' && this.encode(word).every((id) => id === this.#unknown))
    const named = words.slice(0, 8).map((word) => `"${word.slice(0, 40)}"`)
    const message = `This model does not know ${named.join(', ') || 'these words'}. Ask in plain English, with everyday names of things.`
    throw new ProtocolError('unsupported', message)
  }

  #withBoxes(text: string, boxes: number): string {
    const pieces = text.split(BOX)
    if (pieces.length - 1 !== boxes)
      throw new ProtocolError('invalid-message', `The question has ${pieces.length - 1} times ${BOX}, and ${boxes} boxes came. Write ${BOX} once for each.`)
    return pieces
      .map((piece) => this.#without(piece))
      .join(this.#boxToken)
      .trim()
  }

  #plain(text: string): string {
    return this.#without(text).trim()
  }

  #without(text: string): string {
    let plain = text
    for (const token of this.#special) if (plain.includes(token)) plain = plain.replaceAll(token, ' ')
    return plain
  }
}

function unknownToken(tokenizer: object): string[] {
  const token =
    'model' in tokenizer && typeof tokenizer.model === 'object' && tokenizer.model !== null && 'unk_token' in tokenizer.model
      ? tokenizer.model.unk_token
      : undefined
  return typeof token === 'string' ? [token] : []
}
