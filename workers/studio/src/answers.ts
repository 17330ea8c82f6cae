import type { AskAt, AskBody, AskEvent, ErrorBody, Evidence, Finish, SessionEvent, SessionReset, Task, Usage } from '@fovea/protocol'

/** A head or an agent's tool at work: started, its result not there yet. */
export type Looking = { evidence: string; task: Task | undefined; query: string }

export type AnswerState = {
  /** id of the ask, or of the agent turn */
  ask: string
  by: 'model' | 'agent'
  /** the agent's turn that has asked this: it is shown in the card of the turn */
  turn: string | undefined
  /** asked by this page, and the edge has not said yet that it has it */
  isPosted: boolean
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

  /** In order, without the asks of agents' turns. */
  get all(): readonly AnswerState[] {
    return [...this.#answers.values()].filter(({ turn }) => turn === undefined)
  }

  get running(): AnswerState | undefined {
    return this.all.findLast((answer) => !answer.end)
  }

  isRunning(ask: string): boolean {
    const answer = this.#answers.get(ask)
    return answer !== undefined && !answer.end
  }

  evidence(id: string): Evidence | undefined {
    return [...this.#answers.values()].flatMap((answer) => answer.evidence).find((evidence) => evidence.id === id)
  }

  /** What this page has just asked stands here at once, whenever the edge takes it. */
  post(about: Pick<AnswerState, 'ask' | 'by' | 'question' | 'tasks' | 'look'>): AnswerState {
    return this.#begin({ ...about, isPosted: true })
  }

  /** It was never taken. False where it was: then its own end is to come. */
  withdraw(ask: string): boolean {
    return this.#answers.get(ask)?.isPosted === true && this.#answers.delete(ask)
  }

  /** Takes one event; returns the answer that it changed: of an ask of a turn, that is the turn. */
  take(event: SessionEvent): AnswerState | undefined {
    if (event.type === 'turn-started') return this.#begin({ ask: event.turn, by: 'agent', question: event.text, tasks: undefined, look: 'now' })
    if ('turn' in event) return this.#turn(event)
    if (!('ask' in event)) return undefined
    const answer = this.#ask(event)
    const turn = answer?.turn === undefined ? undefined : this.#answers.get(answer.turn)
    if (!turn) return answer
    // A tool at work has named itself already.
    if (event.type === 'head-started' && turn.looking.length === 0) turn.looking.push(...(answer?.looking ?? []))
    if (event.type === 'head-result') turn.looking = turn.looking.filter((looking) => looking.evidence !== event.evidence.id)
    if (!turn.end) turn.evidence = this.#evidenceOf(turn)
    return turn
  }

  #ask(event: AskEvent): AnswerState | undefined {
    if (event.type === 'ask-accepted') {
      return this.#begin({ ask: event.ask, by: 'model', question: event.text, tasks: event.tasks, look: event.look ?? 'now' })
    }
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

  #begin({ isPosted = false, ...about }: Pick<AnswerState, 'ask' | 'by' | 'question' | 'tasks' | 'look'> & { isPosted?: boolean }): AnswerState {
    const answer: AnswerState = { ...about, isPosted, turn: this.#turnOf(about.ask), text: '', evidence: [], looking: [], end: undefined }
    this.#answers.set(about.ask, answer)
    return answer
  }

  #turn(event: Extract<SessionEvent, { turn: string }>): AnswerState | undefined {
    const answer = this.#answers.get(event.turn)
    if (!answer) return undefined
    switch (event.type) {
      case 'turn-delta':
        answer.text = answer.text.slice(0, event.from) + event.text
        answer.evidence = this.#evidenceOf(answer)
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
        answer.evidence = this.#evidenceOf(answer, event.finish === 'stop' ? event.evidence : undefined)
        answer.end = { finish: event.finish, usage: undefined, error: event.error }
        break
    }
    return answer
  }

  /** An ask of a turn is named after it. */
  #turnOf(ask: string): string | undefined {
    return this.all.find((answer) => answer.by === 'agent' && ask.startsWith(`${answer.ask}-`))?.ask
  }

  /** What a turn rests on: all that its asks have found, or what it names itself. */
  #evidenceOf(turn: AnswerState, named?: readonly string[]): Evidence[] {
    const own = [...this.#answers.values()]
      .filter((answer) => answer.turn === turn.ask)
      .flatMap(({ text, evidence }) => (isSameText(text, turn.text) ? evidence : evidence.map(withoutWords)))
    if (!named) return own
    return named.flatMap((id) => {
      const recalled = this.evidence(id)
      return own.find((one) => one.id === id) ?? (recalled ? withoutWords(recalled) : [])
    })
  }

  /** The log no longer reaches back: what the edge still tells of each ask takes the place of what was here [EV2]. */
  reset({ asks, turns }: SessionReset['state']): void {
    const restored = (id: string, ended: boolean) => {
      const known = this.#answers.get(id)
      return {
        isPosted: false,
        evidence: known?.evidence ?? [],
        looking: [],
        end: ended ? (known?.end ?? { finish: 'stop' as const, usage: undefined, error: undefined }) : undefined,
      }
    }
    for (const { turn, text, answer, ended } of turns)
      this.#answers.set(turn, {
        ask: turn,
        by: 'agent',
        turn: undefined,
        question: text,
        tasks: undefined,
        look: 'now',
        text: answer,
        ...restored(turn, ended),
      })
    for (const { ask, text, tasks, at, answer, ended } of asks) {
      this.#answers.set(ask, {
        ask,
        by: 'model',
        turn: this.#turnOf(ask),
        question: text,
        tasks,
        look: at ?? 'now',
        text: answer,
        ...restored(ask, ended),
      })
    }
  }
}

function toolWords({ tool, input }: Extract<SessionEvent, { type: 'tool-called' }>): string {
  const about = input['query'] ?? input['question']
  return `${tool.replaceAll('_', ' ')}${typeof about === 'string' ? ` “${about}”` : ''}`
}

/** Where an agent says what the model has said, letter by letter, also while both still speak. */
function isSameText(one: string, other: string): boolean {
  return one !== '' && other !== '' && (one.startsWith(other) || other.startsWith(one))
}

/** The words that a tool's answer rested on stand in that answer, not in the agent's. */
function withoutWords(evidence: Evidence): Evidence {
  const { words, ...rest } = evidence
  return words ? rest : evidence
}
