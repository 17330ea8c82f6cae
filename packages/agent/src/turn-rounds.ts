import { AIMessage, HumanMessage, SystemMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages'
import type { ErrorBody, SessionEvent } from '@fovea/protocol'

export type ToolCalled = Omit<Extract<SessionEvent, { type: 'tool-called' }>, 'type' | 'seq' | 'at' | 'turn'>
export type ToolReturned = { call: string; tool: string; content: string; evidence: string[]; error?: ErrorBody }

/** One reply of the chat model that called tools, and what came back so far. */
export type TurnRound = { calls: (ToolCalled & { returned?: ToolReturned })[] }

/** What happened in a turn, as its events tell it. */
export type ToolEntry = ({ type: 'tool-called' } & ToolCalled) | ({ type: 'tool-returned' } & ToolReturned)

/**
 * How far a turn had come, from its events in the log. All calls of a round are written before the first of them returns, so
 * calls that follow one another belong together.
 */
export function roundsOf(events: readonly ToolEntry[]): TurnRound[] {
  const rounds: TurnRound[] = []
  let returning = true
  for (const event of events) {
    if (event.type === 'tool-called') {
      if (returning) rounds.push({ calls: [] })
      returning = false
      rounds.at(-1)?.calls.push({ call: event.call, tool: event.tool, input: event.input })
    } else {
      returning = true
      const { call, tool, content, evidence, error } = event
      const called = rounds.flatMap((round) => round.calls).find((one) => one.call === call)
      if (called) called.returned = { call, tool, content, evidence, ...(error && { error }) }
    }
  }
  return rounds
}

/** A turn as the messages that a chat model reads. Every call in it has returned. */
export function messagesOf(system: string, text: string, rounds: readonly TurnRound[]): BaseMessage[] {
  const said = rounds.flatMap(({ calls }): BaseMessage[] => [
    new AIMessage({ content: '', tool_calls: calls.map(({ call, tool, input }) => ({ type: 'tool_call' as const, id: call, name: tool, args: input })) }),
    ...calls.map(
      ({ call, tool, returned }) =>
        new ToolMessage({ tool_call_id: call, name: tool, content: returned?.content ?? '', status: returned?.error ? 'error' : 'success' }),
    ),
  ])
  return [new SystemMessage(system), new HumanMessage(text), ...said]
}
