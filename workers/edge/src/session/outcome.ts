import { ProtocolError, toProtocolError } from '@fovea/protocol'
import type { ErrorBody } from '@fovea/protocol'

/** A result that crosses between objects: classes do not, so an error goes as its body. */
export type Outcome<Value> = { ok: true; value: Value } | { ok: false; error: ErrorBody }

export function outcomeOf<Value>(work: () => Value): Outcome<Value> {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    return { ok: false, error: toProtocolError(error).body() }
  }
}

export async function outcomeLater<Value>(work: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error: toProtocolError(error).body() }
  }
}

/** The value, or the error thrown on this side. */
export function valueOf<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value
  const { code, message, ...details } = outcome.error
  throw new ProtocolError(code, message, details)
}
