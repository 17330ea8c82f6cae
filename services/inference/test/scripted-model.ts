import type { ModelInfo } from '@fovea/protocol'
import type { Head, HeadTask, Scene, Sight } from '../src/heads/head.ts'
import { floats } from '../src/model/tensor.ts'
import type { LanguageModel, Step, VisionModel } from '../src/model/vision-model.ts'

const EOS = 0
const PHRASE = 1
const TRIGGERS: Record<HeadTask, [trigger: number, task: number]> = { region: [2, 3], mask: [4, 5], moment: [6, 7] }
const FIRST_WORD = 10
/** What the scripted model says: words, `<p>` before a phrase, `<region>` after it. */
export type Script = (text: string) => string

/**
 * A model that says what a script tells it and sees only how bright a picture is: for tests of what surrounds a model. A phrase is "there" when the
 * red of the picture is above a half; its box is its red, green and blue.
 */
export class ScriptedModel implements VisionModel {
  readonly info: ModelInfo = { name: 'scripted', hash: 'scripted', tasks: ['region', 'moment'], imageSize: [8, 8] }
  readonly image = { height: 8, width: 8 }
  readonly unit = 'frame'
  readonly sampling = { frames: 4, everyMs: 100 }
  readonly heads: { list: readonly Head[] }
  readonly language: ScriptedLanguage
  encoded = 0

  constructor({
    script = () => 'yes',
    slots = 4,
    maxNewTokens = 32,
    standing = true,
  }: { script?: Script; slots?: number; maxNewTokens?: number; standing?: boolean } = {}) {
    this.language = new ScriptedLanguage({ script, slots, maxNewTokens })
    this.heads = { list: [regionHead(standing), momentHead()] }
  }

  async encode(pictures: readonly Uint8Array[]): Promise<Scene[]> {
    this.encoded += pictures.length
    return pictures.map((picture) => ({
      visual: floats(Float32Array.of((picture[0] ?? 0) / 255, (picture[1] ?? 0) / 255, (picture[2] ?? 0) / 255), [1, 3]),
      features: {},
    }))
  }

  window(scenes: readonly Scene[], mediaTimes: readonly number[]) {
    const visual = Float32Array.from(scenes.flatMap((scene) => [...scene.visual.data]))
    const last = mediaTimes.at(-1) ?? 0
    return {
      visual: floats(visual, [1, scenes.length, 1, 3]),
      times: floats(
        Float32Array.from(mediaTimes, (time) => time - last),
        [1, mediaTimes.length],
      ),
      mediaTimes,
    }
  }

  async close(): Promise<void> {}
}

export class ScriptedLanguage implements LanguageModel {
  readonly eos = EOS
  readonly phrase = PHRASE
  readonly slots: number
  readonly maxNewTokens: number
  /** rows of every feed, for tests of batching */
  readonly batches: number[] = []
  readonly prompts: string[] = []
  /** how many runs a prompt takes, and the slot of each that was not the last */
  promptParts = 1
  readonly parts: number[] = []
  readonly #script: Script
  readonly #words: string[] = []
  readonly #free: number[]
  readonly #lines = new Map<number, { tokens: number[]; at: number; length: number; state: Float32Array }>()

  constructor({ script, slots, maxNewTokens }: { script: Script; slots: number; maxNewTokens: number }) {
    this.#script = script
    this.slots = slots
    this.maxNewTokens = maxNewTokens
    this.#free = Array.from({ length: slots }, (_, index) => index)
  }

  get inUse(): number {
    return this.slots - this.#free.length
  }

  taskOf(trigger: number): HeadTask | undefined {
    return (Object.keys(TRIGGERS) as HeadTask[]).find((task) => TRIGGERS[task][0] === trigger)
  }

  taskToken(task: HeadTask): number {
    return TRIGGERS[task][1]
  }

  text(ids: readonly number[]): string {
    return ids.flatMap((id) => this.#words[id - FIRST_WORD] ?? []).join(' ')
  }

  forced(phrase: string, task: HeadTask): number[] {
    return [PHRASE, ...phrase.split(' ').map((word) => this.#id(word)), ...TRIGGERS[task]]
  }

  acquire(): number | undefined {
    this.#free.sort((a, b) => a - b)
    return this.#free.shift()
  }

  release(slot: number): void {
    this.#lines.delete(slot)
    this.#free.push(slot)
  }

  length(slot: number): number {
    return this.#lines.get(slot)?.length ?? 0
  }

  room(): number {
    return 1000
  }

  rewind(slot: number, length: number): void {
    const line = this.#lines.get(slot)
    if (line) line.length = length
  }

  async prefill(slot: number, { visual }: { visual: { data: Float32Array } }, text: string): Promise<Step> {
    this.prompts.push(text)
    const tokens = this.#script(text)
      .split(' ')
      .filter(Boolean)
      .map((word) => this.#id(word))
    this.#lines.set(slot, { tokens, at: 0, length: 10, state: visual.data.slice(-3) })
    return this.#next(slot)
  }

  async *prefillInParts(slot: number, window: { visual: { data: Float32Array } }, text: string): AsyncGenerator<void, Step> {
    for (let part = 1; part < this.promptParts; part++) {
      this.parts.push(slot)
      yield
    }
    return this.prefill(slot, window, text)
  }

  async feed(rows: readonly { slot: number; ids: readonly number[] }[]): Promise<Step[]> {
    this.batches.push(rows.length)
    return rows.map(({ slot, ids }) => {
      const line = this.#lines.get(slot)
      if (!line) throw new Error(`Slot ${slot} was fed before its prompt.`)
      line.length += ids.length
      return this.#next(slot)
    })
  }

  #next(slot: number): Step {
    const line = this.#lines.get(slot)
    if (!line) throw new Error(`Slot ${slot} has no line.`)
    return { next: line.tokens[line.at++] ?? EOS, hidden: line.state }
  }

  #id(word: string): number {
    if (word === '<p>') return PHRASE
    const task = (Object.keys(TRIGGERS) as HeadTask[]).find((each) => word === `<${each}>`)
    if (task) return TRIGGERS[task][0]
    const at = this.#words.indexOf(word)
    return FIRST_WORD + (at >= 0 ? at : this.#words.push(word) - 1)
  }
}

function regionHead(standing: boolean): Head {
  return {
    task: 'region',
    token: { trigger: '<region>', task: '<region_task>' },
    standing,
    threshold: 0.5,
    needsWindow: false,
    async run({ scene }, states) {
      const [red = 0, green = 0, blue = 0] = scene.visual.data
      return Array.from({ length: states.dims[0] ?? 0 }, (): Sight => ({
        score: red,
        consistency: 1,
        regions: red >= 0.5 ? [{ box: [0, 0, Math.max(0.1, green), Math.max(0.1, blue)], score: red }] : [],
      }))
    },
  }
}

function momentHead(): Head {
  return {
    task: 'moment',
    token: { trigger: '<moment>', task: '<moment_task>' },
    standing: false,
    threshold: 0.5,
    needsWindow: true,
    async run({ window }, states) {
      const [start = 0, end = start] = [window?.mediaTimes[0], window?.mediaTimes.at(-1)]
      return Array.from({ length: states.dims[0] ?? 0 }, (): Sight => ({ score: 1, consistency: 1, spans: [{ start, end, score: 1 }] }))
    },
  }
}
