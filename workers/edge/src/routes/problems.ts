import { Problem } from '@fovea/protocol'

/** What every route may answer instead. */
export const problems = { default: { description: 'What went wrong (RFC 9457)', content: { 'application/problem+json': { schema: Problem } } } }
