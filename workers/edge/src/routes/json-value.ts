import { z } from '@hono/zod-openapi'

/** Any JSON, told to OpenAPI by name of its types: zod's own is recursive, and the generator would follow it forever. A request body has been parsed from JSON, so there is nothing left to check. */
export const JsonValue = z.custom<z.core.util.JSONType>().openapi({ type: ['object', 'array', 'string', 'number', 'boolean', 'null'] })
export const JsonRecord = z.record(z.string(), JsonValue)
