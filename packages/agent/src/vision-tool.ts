import { tool, type DynamicStructuredTool } from '@langchain/core/tools'
import { ProtocolError, scopedId, type ErrorBody, type Evidence, type VisionSession } from '@fovea/protocol'
import type { z } from 'zod'

export type VisionToolOptions = {
  /** stream to look at; the session's own choice when absent */
  stream?: number
  /** what the calls belong to, such as a turn: with it the same call never looks twice */
  scope?: string
}

/** What a tool gives besides the words for the model: the evidence, or why there is none. */
export type VisionArtifact = { evidence: Evidence[]; error?: ErrorBody }

/** What a tool looks with. */
export type Looking = { session: VisionSession; stream: number | undefined; id: string | undefined; signal: AbortSignal | undefined }

type Definition<Schema extends z.ZodObject> = {
  name: string
  description: string
  schema: Schema
  run(looking: Looking, input: z.output<Schema>): Promise<{ content: string; evidence: Evidence[] }>
}

/**
 * The one shape of all vision tools: short words with evidence ids for the model, the evidence itself as the artifact. Where
 * looking fails the model reads why, so that it can say so or try something else.
 */
export function visionTool<Schema extends z.ZodObject>({ name, description, schema, run }: Definition<Schema>) {
  return (session: VisionSession, { stream, scope }: VisionToolOptions = {}): DynamicStructuredTool =>
    tool(
      async (input: unknown, config): Promise<[string, VisionArtifact]> => {
        const call: string | undefined = config?.toolCall?.id
        const id = scope !== undefined && call !== undefined ? scopedId(scope, call) : undefined
        try {
          const { content, evidence } = await run({ session, stream, id, signal: config?.signal }, schema.parse(input))
          return [content, { evidence }]
        } catch (error) {
          if (!(error instanceof ProtocolError) || error.code === 'cancelled') throw error
          return [`${error.code === 'no-frame' ? 'No frame yet' : 'Could not look'}: ${error.message}`, { evidence: [], error: error.body() }]
        }
      },
      { name, description, schema, responseFormat: 'content_and_artifact' },
    )
}
