import type { Box } from '@fovea/protocol'
import type { HeadTask, Window } from '../heads/head.ts'
import { SlotFull } from '../lanes/talk.ts'
import type { LanguageModel, Step } from '../model/vision-model.ts'
import { Answer } from './answer.ts'

/** A trigger of an answer: its head, the words it grounds, its task embedding. */
export type Mark = { task: HeadTask; query: string; state: Float32Array }
/** `ids`: everything that was fed after the prompt. */
export type Spoken = { ids: number[]; text: string; marks: Mark[] }

/** A whole answer in one go, in a slot of its own: the steps an ask takes in the decode lane, without its neighbours. For evaluation, warm-up and tests. */
export async function speak(language: LanguageModel, window: Window, text: string, boxes?: readonly Box[]): Promise<Spoken> {
  return inSlot(language, async (slot) => {
    let step = await language.prefill(slot, window, text, boxes)
    const answer = new Answer(language, text)
    const ids: number[] = []
    const marks: Mark[] = []
    for (;;) {
      const reading = answer.read(step.next)
      if (reading.do === 'end') return { ids, text: answer.text, marks }
      const task = reading.do === 'look' ? language.taskToken(reading.task) : undefined
      const fed = task === undefined ? [step.next] : [step.next, task]
      if (language.room(slot) < fed.length) return { ids, text: answer.text, marks }
      ids.push(...fed)
      step = await feed(language, slot, fed)
      if (reading.do === 'look') marks.push({ task: reading.task, query: reading.query, state: step.hidden })
    }
  })
}

/** The task embedding of a bare phrase, its trigger forced. */
export async function compile(language: LanguageModel, window: Window, phrase: string, task: HeadTask): Promise<Mark> {
  const [mark] = await compileAll(language, window, phrase, [task])
  if (!mark) throw new Error('A task gives a mark.')
  return mark
}

/** The same for several heads, all behind one prompt. */
export async function compileAll(language: LanguageModel, window: Window, phrase: string, tasks: readonly HeadTask[]): Promise<Mark[]> {
  return inSlot(language, async (slot) => {
    await language.prefill(slot, window, phrase)
    const length = language.length(slot)
    const marks: Mark[] = []
    for (const task of tasks) {
      language.rewind(slot, length)
      const { hidden } = await feed(language, slot, language.forced(phrase, task))
      marks.push({ task, query: phrase, state: hidden })
    }
    return marks
  })
}

async function inSlot<Result>(language: LanguageModel, use: (slot: number) => Promise<Result>): Promise<Result> {
  const slot = language.acquire()
  if (slot === undefined) throw new RangeError('Every slot of the language model is taken.')
  try {
    return await use(slot)
  } finally {
    language.release(slot)
  }
}

async function feed(language: LanguageModel, slot: number, ids: readonly number[]): Promise<Step> {
  if (language.room(slot) < ids.length) throw new SlotFull(ids.length, language.room(slot))
  const [step] = await language.feed([{ slot, ids }])
  if (!step) throw new Error('A row gives a step.')
  return step
}
