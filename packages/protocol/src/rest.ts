import { z } from 'zod'
import { AskBody } from './ask.ts'
import { Role } from './edge-message.ts'
import { SessionState } from './event.ts'
import { Evidence } from './evidence.ts'
import { ErrorBody } from './error.ts'
import { Finish, Usage } from './ask.ts'
import { ClientId, EvidenceId, SessionId, StreamNumber, WallTime, Words } from './units.ts'
import { WorkflowGraph } from './workflow-graph.ts'

/** `POST /v1/sessions` [SE1]. */
export const SessionCreate = z.strictObject({ name: z.string().max(100).optional(), model: z.string().optional() })
export const SessionCreated = z.strictObject({ session: SessionId, wsUrl: z.string(), protocols: z.tuple([z.string(), z.string()]), resumeKey: z.string() })
export type SessionCreated = z.infer<typeof SessionCreated>
/** `GET /v1/sessions/:id`. */
export const SessionInfo = z.strictObject({
  session: SessionId,
  name: z.string().optional(),
  state: SessionState,
  epoch: z.int(),
  seq: z.int(),
  createdAt: WallTime,
})
/** `POST /v1/sessions/:id/tickets`: with `resumeKey`, or with an API key and a role. */
export const TicketCreate = z.strictObject({ role: Role.optional(), resumeKey: z.string().optional() })
export const TicketCreated = z.strictObject({ wsUrl: z.string(), protocols: z.tuple([z.string(), z.string()]), expiresAt: WallTime })
export type TicketCreated = z.infer<typeof TicketCreated>
/** `POST /v1/sessions/:id/asks`: JSON answer, or SSE of the ask's events with `Accept: text/event-stream` [AS6]. */
export const AskCreate = AskBody.extend({ ask: ClientId.optional() })
export const AskResult = z.strictObject({
  ask: ClientId,
  text: z.string(),
  evidence: z.array(Evidence),
  finish: Finish,
  usage: Usage,
  error: ErrorBody.optional(),
})
export type AskResult = z.infer<typeof AskResult>
/** `POST /v1/sessions/:id/turns`. */
export const TurnCreate = z.strictObject({ turn: ClientId.optional(), text: Words, stream: StreamNumber.optional() })
export const TurnResult = z.strictObject({ turn: ClientId, finish: Finish, text: z.string(), evidence: z.array(EvidenceId), error: ErrorBody.optional() })
/** `POST /v1/sessions/:id/workflows`. */
export const WorkflowCreate = z.strictObject({ run: ClientId.optional(), graph: WorkflowGraph, input: z.record(z.string(), z.json()).optional() })
export const WorkflowResult = z.strictObject({ run: ClientId, finish: Finish, output: z.record(z.string(), z.json()), error: ErrorBody.optional() })
