import { z } from 'zod'

// The routes know what they take and give; they are asked, and no second list is kept. Imported by address: the edge is written for
// workerd, and this package's types do not include it.
const EDGE_APP = new URL('../../../workers/edge/src/app.ts', import.meta.url).href

const EdgeApp = z.object({ describeApi: z.function({ input: [], output: z.record(z.string(), z.unknown()) }) })

/** The REST doors as OpenAPI 3.1, as the edge itself serves them at /openapi.json. */
export async function openapi(): Promise<Record<string, unknown>> {
  return EdgeApp.parse(await import(EDGE_APP)).describeApi()
}
