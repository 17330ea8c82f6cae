import type { ErrorBody } from '@fovea/protocol'

/** Whether something ended only because the backend went: it can be begun again when one is there. */
export function isLoss(error: ErrorBody | undefined): boolean {
  return error?.code === 'unavailable' && error.retryable
}
