import type { ModelInfo } from '@fovea/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HeadTask, Scene, Window } from '../src/heads/head.ts'
import { stack } from '../src/model/tensor.ts'
import type { Step, VisionModel } from '../src/model/vision-model.ts'

/** What every VisionModel must do, whatever is inside: the same suite for each bundle, and for the scripted model that tests of the protocol use. */
export function registerModelContract(name: string, open: () => Promise<VisionModel>): void {
  describe(`the model contract: ${name}`, () => {
    let model: VisionModel
    beforeAll(async () => {
      model = await open()
    })
    afterAll(() => model?.close())

    const picture = (shade: number): Uint8Array =>
      new Uint8Array(model.image.height * model.image.width * 3).map((_, index) => (shade + (index % 3) * 40 + (index >> 8)) % 256)
    const see = async (shade: number): Promise<{ scene: Scene; window: Window }> => {
      const { frames, everyMs } = model.sampling
      const pictures = model.unit === 'clip' ? Array.from({ length: frames }, () => picture(shade)) : [picture(shade)]
      const [scene] = await model.encode(pictures)
      if (!scene) throw new Error('A picture gives a scene.')
      return {
        scene,
        window: model.window(
          Array.from({ length: frames }, () => scene),
          Array.from({ length: frames }, (_, index) => index * everyMs),
        ),
      }
    }
    const inSlot = async <Result>(use: (slot: number) => Promise<Result>): Promise<Result> => {
      const slot = model.language.acquire()
      if (slot === undefined) throw new Error('A slot is free.')
      try {
        return await use(slot)
      } finally {
        model.language.release(slot)
      }
    }
    const speak = async (slot: number, window: Window, text: string): Promise<{ tokens: number[]; states: { task: HeadTask; state: Float32Array }[] }> => {
      let step = await model.language.prefill(slot, window, text)
      const tokens: number[] = []
      const states: { task: HeadTask; state: Float32Array }[] = []
      while (step.next !== model.language.eos && tokens.length < model.language.maxNewTokens) {
        const token = step.next
        tokens.push(token)
        const task = model.language.taskOf(token)
        const taskToken = task && model.language.taskToken(task)
        step = one(await model.language.feed([{ slot, ids: taskToken === undefined ? [token] : [token, taskToken] }]))
        if (task) states.push({ task, state: step.hidden })
      }
      return { tokens, states }
    }
    test('says what it is', () => {
      const info: ModelInfo = model.info
      expect(info.tasks.length).toBeGreaterThan(0)
      expect(info.imageSize).toEqual([model.image.height, model.image.width])
      for (const head of model.heads.list) expect(model.language.taskToken(head.task)).toBeTypeOf('number')
    })

    test('the same pictures and words give the same answer, slot by slot', async () => {
      const { window } = await see(90)
      const first = await inSlot((slot) => speak(slot, window, 'where is the ball?'))
      const again = await inSlot((slot) => speak(slot, window, 'where is the ball?'))
      expect(again.tokens).toEqual(first.tokens)
      expect(first.tokens.length).toBeGreaterThan(0)
    })

    test('two answers at once do not touch one another', async () => {
      const [a, b] = [await see(20), await see(200)]
      const alone = await inSlot((slot) => speak(slot, b.window, 'what is there?'))
      const beside = await inSlot(async (first) => {
        await model.language.prefill(first, a.window, 'where is the ball?')
        return inSlot((second) => speak(second, b.window, 'what is there?'))
      })
      expect(beside.tokens).toEqual(alone.tokens)
    })

    test('rows of a batch give what each gives alone', async () => {
      const [a, b] = [await see(20), await see(200)]
      const state = (window: Window, phrase: string): Promise<Step> =>
        inSlot(async (slot) => {
          await model.language.prefill(slot, window, phrase)
          return one(await model.language.feed([{ slot, ids: [model.language.phrase] }]))
        })
      const [aloneA, aloneB] = [await state(a.window, 'ball'), await state(b.window, 'the ball')]
      await inSlot((first) =>
        inSlot(async (second) => {
          await model.language.prefill(first, a.window, 'ball')
          await model.language.prefill(second, b.window, 'the ball')
          const [stepA, stepB] = await model.language.feed([
            { slot: first, ids: [model.language.phrase] },
            { slot: second, ids: [model.language.phrase] },
          ])
          expect([stepA?.next, stepB?.next]).toEqual([aloneA.next, aloneB.next])
          for (const [batched, alone] of [
            [stepA, aloneA],
            [stepB, aloneB],
          ] as const)
            alone.hidden.forEach((value, index) => expect(batched?.hidden[index]).toBeCloseTo(value, 3))
        }),
      )
    })

    test('a forced trigger can be taken back and given again', async () => {
      const { window } = await see(120)
      const head = model.heads.list[0]
      if (!head) throw new Error('A model has a head.')
      await inSlot(async (slot) => {
        await model.language.prefill(slot, window, 'ball')
        const length = model.language.length(slot)
        const first = one(await model.language.feed([{ slot, ids: model.language.forced('ball', head.task) }]))
        model.language.rewind(slot, length)
        const again = one(await model.language.feed([{ slot, ids: model.language.forced('ball', head.task) }]))
        first.hidden.forEach((value, index) => expect(again.hidden[index]).toBeCloseTo(value, 4))
      })
    })

    test('each head answers for several phrases at once what it answers for each alone [PE2]', async () => {
      const { scene, window } = await see(120)
      const states = await inSlot(async (slot) => {
        const made: Float32Array[] = []
        for (const phrase of ['ball', 'the ball', 'ball']) {
          await model.language.prefill(slot, window, phrase)
          const head = model.heads.list[0]
          if (head) made.push(one(await model.language.feed([{ slot, ids: model.language.forced(phrase, head.task) }])).hidden)
        }
        return made
      })
      for (const head of model.heads.list) {
        const together = await head.run({ scene, window, size: model.image }, stack(states))
        expect(together).toHaveLength(3)
        for (const [index, state] of states.entries()) {
          const [alone] = await head.run({ scene, window, size: model.image }, stack([state]))
          expect(together[index]?.score).toBeCloseTo(alone?.score ?? -1, 3)
          expect(together[index]?.regions?.length).toBe(alone?.regions?.length)
        }
        for (const sight of together) {
          expect(sight.score).toBeGreaterThanOrEqual(0)
          expect(sight.score).toBeLessThanOrEqual(1)
          if (sight.score < head.threshold) expect([sight.regions ?? [], sight.spans ?? [], sight.mask]).toEqual([[], [], undefined])
          for (const { box } of sight.regions ?? []) expect(box.every((value) => value >= 0 && value <= 1) && box[0] <= box[2] && box[1] <= box[3]).toBe(true)
        }
      }
    })

    test('slots run out and come back', async () => {
      const slots = Array.from({ length: model.language.slots }, () => model.language.acquire())
      expect(slots.every((slot) => slot !== undefined)).toBe(true)
      expect(model.language.acquire()).toBeUndefined()
      for (const slot of slots) if (slot !== undefined) model.language.release(slot)
      expect(model.language.acquire()).toBe(0)
      model.language.release(0)
    })
  })
}

function one(steps: Step[]): Step {
  if (!steps[0]) throw new Error('A row gives a step.')
  return steps[0]
}
