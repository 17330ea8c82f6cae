import type { AskAt, AskBody, ErrorBody, Evidence, Finish, SessionEvent, SessionReset, Task, Usage } from '@fovea/protocol'

/** A head at work: started, its result not there yet. */
export type Looking = { evidence: string; task: Task; query: string }

export type AnswerState = {
  ask: string
  question: string
  tasks: AskBody['tasks']
  look: AskAt
  text: string
  evidence: Evidence[]
  looking: Looking[]
  end: { finish: Finish; usage: Usage | undefined; error: ErrorBody | undefined } | undefined
}

/** The questions and answers of the session, built from its events alone: a replay after a lost socket builds the same. */
export class Answers {
  readonly #answers = new Map<string, AnswerState>()

  get all(): readonly AnswerState[] {
    return [...this.#answers.values()]
  }

  get running(): AnswerState | undefined {
    return this.all.findLast((answer) => !answer.end)
  }

  evidence(id: string): Evidence | undefined {
    return this.all.flatMap((answer) => answer.evidence).find((evidence) => evidence.id === id)
  }

  /** Takes one event; returns the answer that it changed. */
  take(event: SessionEvent): AnswerState | undefined {
    if (event.type === 'ask-accepted') {
      const answer: AnswerState = {
        ask: event.ask,
        question: event.text,
        tasks: event.tasks,
        look: event.look ?? 'now',
        text: '',
        evidence: [],
        looking: [],
        end: undefined,
      }
      this.#answers.set(event.ask, answer)
      return answer
    }
    if (!('ask' in event)) return undefined
    const answer = this.#answers.get(event.ask)
    if (!answer) return undefined
    switch (event.type) {
      case 'answer-delta':
        answer.text += event.text
        break
      case 'head-started':
        answer.looking.push({ evidence: event.evidence, task: event.task, query: event.query })
        break
      case 'head-result':
        answer.looking = answer.looking.filter((looking) => looking.evidence !== event.evidence.id)
        answer.evidence = [...answer.evidence.filter((evidence) => evidence.id !== event.evidence.id), event.evidence]
        break
      case 'answer-ended':
        answer.text = event.text
        answer.looking = []
        answer.end = { finish: event.finish, usage: event.usage, error: event.error }
        break
    }
    return answer
  }

  /** The log no longer reaches back: what the edge still tells of each ask takes the place of what was here [EV2]. */
  reset({ asks }: SessionReset['state']): void {
    for (const { ask, text, tasks, at, answer, ended } of asks) {
      const known = this.#answers.get(ask)
      this.#answers.set(ask, {
        ask,
        question: text,
        tasks,
        look: at ?? 'now',
        text: answer,
        evidence: known?.evidence ?? [],
        looking: [],
        end: ended ? (known?.end ?? { finish: 'stop', usage: undefined, error: undefined }) : undefined,
      })
    }
  }
}
