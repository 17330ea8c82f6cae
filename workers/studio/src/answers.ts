import type { AskAt, AskBody, ErrorBody, Evidence, Finish, SessionEvent, SessionReset, Task, Usage } from '@fovea/protocol'

/** A head or an agent's tool at work: started, its result not there yet. */
export type Looking = { evidence: string; task: Task | undefined; query: string }

export type AnswerState = {
  /** id of the ask, or of the agent turn */
  ask: string
  by: 'model' | 'agent'
  question: string
  tasks: AskBody['tasks']
  look: AskAt
  text: string
  evidence: Evidence[]
  looking: Looking[]
  end: { finish: Finish; usage: Usage | undefined; error: ErrorBody | undefined } | undefined
}

/** The questions and answers of the session, the agent's turns among them, built from its events alone: a replay after a lost socket builds the same. */
export class Answers {
  readonly #answers = new Map<string, AnswerState>()

  get all(): readonly AnswerState[] {
    return [...this.#answers.values()]
  }

  get running(): AnswerState | undefined {
    return this.all.findLast((answer) => !answer.end)
  }

  isRunning(ask: string): boolean {
    const answer = this.#answers.get(ask)
    return answer !== undefined && !answer.end
  }

  evidence(id: string): Evidence | undefined {
    return this.all.flatMap((answer) => answer.evidence).find((evidence) => evidence.id === id)
  }

  /** Takes one event; returns the answer that it changed. */
  take(event: SessionEvent): AnswerState | undefined {
    if (event.type === 'ask-accepted') {
      return this.#begin({ ask: event.ask, by: 'model', question: event.text, tasks: event.tasks, look: event.look ?? 'now' })
    }
    if (event.type === 'turn-started') return this.#begin({ ask: event.turn, by: 'agent', question: event.text, tasks: undefined, look: 'now' })
    if ('turn' in event) return this.#turn(event)
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

  #begin(about: Pick<AnswerState, 'ask' | 'by' | 'question' | 'tasks' | 'look'>): AnswerState {
    const answer: AnswerState = { ...about, text: '', evidence: [], looking: [], end: undefined }
    this.#answers.set(about.ask, answer)
    return answer
  }

  #turn(event: Extract<SessionEvent, { turn: string }>): AnswerState | undefined {
    const answer = this.#answers.get(event.turn)
    if (!answer) return undefined
    switch (event.type) {
      case 'turn-delta':
        answer.text = answer.text.slice(0, event.from) + event.text
        break
      case 'tool-called':
        answer.looking.push({ evidence: event.call, task: undefined, query: toolWords(event) })
        break
      case 'tool-returned':
        answer.looking = answer.looking.filter((looking) => looking.evidence !== event.call)
        break
      case 'turn-ended':
        answer.text = event.text
        answer.looking = []
        answer.evidence = event.evidence.flatMap((id) => this.evidence(id) ?? []).map(withoutWords)
        answer.end = { finish: event.finish, usage: undefined, error: event.error }
        break
    }
    return answer
  }

  /** The log no longer reaches back: what the edge still tells of each ask takes the place of what was here [EV2]. */
  reset({ asks, turns }: SessionReset['state']): void {
    const restored = (id: string, ended: boolean) => {
      const known = this.#answers.get(id)
      return {
        evidence: known?.evidence ?? [],
        looking: [],
        end: ended ? (known?.end ?? { finish: 'stop' as const, usage: undefined, error: undefined }) : undefined,
      }
    }
    for (const { turn, text, answer, ended } of turns)
      this.#answers.set(turn, { ask: turn, by: 'agent', question: text, tasks: undefined, look: 'now', text: answer, ...restored(turn, ended) })
    for (const { ask, text, tasks, at, answer, ended } of asks) {
      this.#answers.set(ask, { ask, by: 'model', question: text, tasks, look: at ?? 'now', text: answer, ...restored(ask, ended) })
    }
  }
}

function toolWords({ tool, input }: Extract<SessionEvent, { type: 'tool-called' }>): string {
  const about = input['query'] ?? input['question']
  return `${tool.replaceAll('_', ' ')}${typeof about === 'string' ? ` “${about}”` : ''}`
}

/** The words that a tool's answer rested on stand in that answer, not in the agent's. */
function withoutWords(evidence: Evidence): Evidence {
  const { words, ...rest } = evidence
  return words ? rest : evidence
}
