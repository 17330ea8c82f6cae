import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessageChunk, type BaseMessage, type ToolMessage } from '@langchain/core/messages'
import { ToolInputParsingException, type StructuredToolInterface } from '@langchain/core/tools'
import { ErrorBody, ProtocolError, toProtocolError, type Finish } from '@fovea/protocol'
import { z } from 'zod'
import { citedEvidence } from './citations.ts'
import { SYSTEM_PROMPT } from './system-prompt.ts'
import { messagesOf, type ToolCalled, type ToolReturned, type TurnRound } from './turn-rounds.ts'

/** Told what the model says as it says it, and of each tool before it runs and after it has: whoever writes the latter down can go on where a turn was interrupted. */
export interface TurnJournal {
  /** the next words of a reply; `from`, where they stand in it, is 0 where a reply begins */
  said(text: string, from: number): void
  called(call: ToolCalled): void
  returned(result: ToolReturned): void
}

export type TurnOptions = {
  model: BaseChatModel
  tools: readonly StructuredToolInterface[]
  text: string
  system?: string
  /** what an interrupted turn had done: calls that returned are not repeated, calls that did not are made again */
  past?: readonly TurnRound[]
  journal?: TurnJournal
  signal?: AbortSignal
  /** replies that may call tools; after them the model has to answer */
  maxRounds?: number
}

export type TurnOutcome = { text: string; finish: Extract<Finish, 'stop' | 'length' | 'cancelled'>; evidence: string[] }

const Artifact = z.object({ evidence: z.array(z.object({ id: z.string() })), error: ErrorBody.optional() })
const Spoken = z.object({ evidence: z.array(z.object({ id: z.string() })) })

/**
 * One turn of an agent: the chat model speaks, its tool calls run, until it answers. Resumable: given what the journal was told,
 * the turn goes on from there. An error of the chat model is thrown; a tool's error is read by the model.
 */
export async function runTurn({ model, tools, text, system = SYSTEM_PROMPT, past = [], journal, signal, maxRounds = 8 }: TurnOptions): Promise<TurnOutcome> {
  const rounds = past.map(({ calls }): TurnRound => ({ calls: [...calls] }))
  const able = tools.length > 0 && model.bindTools ? model.bindTools([...tools]) : model
  try {
    for (;;) {
      await Promise.all(
        (rounds.at(-1)?.calls ?? []).map(async (call) => {
          if (call.returned) return
          call.returned = await callTool(tools, call, signal)
          journal?.returned(call.returned)
        }),
      )
      const last = rounds.length >= maxRounds
      const reply = await speak(last ? model : able, messagesOf(system, text, rounds), { journal, signal })
      const wanted = last ? [] : (reply.tool_calls ?? [])
      if (wanted.length === 0 && reply.text.trim() === '') throw emptyReply(model)
      if (wanted.length === 0) return { text: reply.text, finish: last ? 'length' : 'stop', evidence: evidenceOf(reply.text, rounds, reply.additional_kwargs) }
      // Ids of our own, short and unique in the turn: the ask behind a call is named after it.
      const before = rounds.reduce((sum, round) => sum + round.calls.length, 0)
      const calls = wanted.map(({ name, args }, index): ToolCalled => ({ call: `call-${before + index + 1}`, tool: name, input: args }))
      for (const call of calls) journal?.called(call)
      rounds.push({ calls })
    }
  } catch (error) {
    if (signal?.aborted) return { text: '', finish: 'cancelled', evidence: evidenceOf('', rounds, {}) }
    throw error
  }
}

/** No words and no tool: some servers answer so where a model's context is full, or its tool call cannot be read. */
function emptyReply(model: BaseChatModel): ProtocolError {
  return new ProtocolError(
    'unavailable',
    `The chat model (${model.getName()}) gave an empty reply: no words, and no tool that can be called. Try again, or use another model.`,
    {
      retryable: true,
    },
  )
}

/** One reply of the chat model, told as it comes; a model that does not stream says it all at once. */
async function speak(
  model: Pick<BaseChatModel, 'stream'>,
  messages: BaseMessage[],
  { journal, signal }: Pick<TurnOptions, 'journal' | 'signal'>,
): Promise<AIMessageChunk> {
  let reply = new AIMessageChunk({ content: '' })
  let said = 0
  for await (const part of await model.stream(messages, { signal })) {
    reply = reply.concat(part)
    if (part.text) journal?.said(part.text, said)
    said += part.text.length
  }
  return reply
}

async function callTool(
  tools: readonly StructuredToolInterface[],
  { call, tool: name, input }: ToolCalled,
  signal: AbortSignal | undefined,
): Promise<ToolReturned> {
  const tool = tools.find((one) => one.name === name)
  if (!tool) {
    const message = `There is no tool ${name}. There are: ${tools.map((one) => one.name).join(', ')}.`
    return { call, tool: name, content: message, evidence: [], error: { code: 'invalid-message', message, retryable: false } }
  }
  try {
    const message: ToolMessage = await tool.invoke({ type: 'tool_call', id: call, name, args: input }, { signal })
    const artifact = Artifact.safeParse(message.artifact).data
    return {
      call,
      tool: name,
      content: message.text,
      evidence: artifact?.evidence.map(({ id }) => id) ?? [],
      ...(artifact?.error && { error: artifact.error }),
    }
  } catch (error) {
    if (signal?.aborted) throw error
    const unreadable = error instanceof ToolInputParsingException
    const body = unreadable
      ? { code: 'invalid-message' as const, message: `${name} did not take that input: ${error.message}`, retryable: false }
      : toProtocolError(error).body()
    return { call, tool: name, content: body.message, evidence: [], error: body }
  }
}

/** What an answer rests on: the evidence that it cites, or all there was where it cites none. */
function evidenceOf(text: string, rounds: readonly TurnRound[], spoken: Record<string, unknown>): string[] {
  const seen = [
    ...rounds.flatMap(({ calls }) => calls.flatMap((call) => call.returned?.evidence ?? [])),
    ...(Spoken.safeParse(spoken).data?.evidence.map(({ id }) => id) ?? []),
  ]
  const cited = citedEvidence(text).filter((id) => seen.includes(id))
  return [...new Set(cited.length > 0 ? cited : seen)]
}
