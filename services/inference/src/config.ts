import { availableParallelism, hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { DEFAULT_WINDOW } from '@fovea/protocol'
import { z } from 'zod'
import { machineMemory } from './machine-memory.ts'
import type { MemoryShares } from './model/memory-need.ts'
import { PROVIDERS } from './model/ort.ts'
import { DEFAULT_ENGINE, type EngineLimits } from './thread-message.ts'

const MEGABYTE = 1024 * 1024
const whole = z.coerce.number().int()
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean),
)

/** What decides how much memory a bundle takes, and how much it may. */
const Memory = z.object({
  FOVEA_PROVIDERS: list.pipe(z.array(z.enum(PROVIDERS)).min(1)).default(['cpu']),
  FOVEA_CAPACITY: whole.min(1).default(16),
  FOVEA_SLOTS: whole.min(1).max(256).default(8),
  FOVEA_PREFILL_CHUNK: whole.min(1).default(256),
  FOVEA_MEMORY_MB: z.coerce
    .number()
    .positive()
    .default(machineMemory() / MEGABYTE),
  FOVEA_RING_MB: z.coerce
    .number()
    .positive()
    .default(DEFAULT_ENGINE.ringBytes / MEGABYTE),
  FOVEA_BATCH_FRAMES: whole.min(1).max(64).default(DEFAULT_ENGINE.batch.frames),
})

/** Every variable the service reads. `docs/design/inference.md` has them as a table. */
const Environment = z.object({
  FOVEA_EDGE_URL: z.url({ protocol: /^https?$/ }),
  FOVEA_BACKEND_KEY: z.string().trim().min(1),
  FOVEA_BUNDLE: z
    .string()
    .min(1)
    .default(fileURLToPath(new URL('../../../packages/model-nano', import.meta.url))),
  ...Memory.shape,
  FOVEA_HTTP_PORT: whole.min(0).max(65_535).default(0),
  FOVEA_BACKEND_NAME: z.string().min(1).max(100).default(hostname()),
  FOVEA_LOG: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  FOVEA_THREADS: whole.min(1).default(1),
  FOVEA_DECODE_THREADS: whole.min(1).default(Math.max(1, Math.min(4, availableParallelism() - 1))),
  FOVEA_WINDOW: whole.min(1).max(256).default(DEFAULT_WINDOW),
  FOVEA_FEATURE_FRAMES: whole.min(1).default(DEFAULT_ENGINE.featureFrames),
  FOVEA_MAX_AGE_MS: whole.min(1).default(DEFAULT_ENGINE.maxAgeMs),
  FOVEA_BATCH_DELAY_MS: z.coerce.number().min(0).max(100).default(DEFAULT_ENGINE.batch.delayMs),
  FOVEA_QUEUED_FRAMES: whole.min(1).default(DEFAULT_ENGINE.queuedFrames),
  FOVEA_QUEUED_ASKS: whole.min(1).default(DEFAULT_ENGINE.queuedAsks),
  FOVEA_WATCH_REFRESH_MS: whole.min(1).default(DEFAULT_ENGINE.watchRefreshMs),
  FOVEA_TRACK_TTL_MS: whole.min(1).default(DEFAULT_ENGINE.trackTtlMs),
})
type Variables = Readonly<Record<string, string | undefined>>

export type Config = ReturnType<typeof readConfig>

/** The part of the configuration that a bundle's memory is reckoned with, of the first provider; `budget`: what it may take. */
export function readMemory(environment: Variables): { shares: MemoryShares; budget: number } {
  const set = parsed(Memory, environment)
  return { shares: sharesOf(set), budget: set.FOVEA_MEMORY_MB * MEGABYTE }
}

/** The configuration from the environment. Throws with every variable that is wrong, what was expected and what came. */
export function readConfig(environment: Variables) {
  const set = parsed(Environment, environment)
  const engine: EngineLimits = {
    ringBytes: set.FOVEA_RING_MB * MEGABYTE,
    featureFrames: set.FOVEA_FEATURE_FRAMES,
    queuedFrames: set.FOVEA_QUEUED_FRAMES,
    queuedAsks: set.FOVEA_QUEUED_ASKS,
    maxAgeMs: set.FOVEA_MAX_AGE_MS,
    batch: { frames: set.FOVEA_BATCH_FRAMES, delayMs: set.FOVEA_BATCH_DELAY_MS },
    watchRefreshMs: set.FOVEA_WATCH_REFRESH_MS,
    trackTtlMs: set.FOVEA_TRACK_TTL_MS,
  }
  return {
    edgeUrl: set.FOVEA_EDGE_URL,
    backendKey: set.FOVEA_BACKEND_KEY,
    bundle: set.FOVEA_BUNDLE,
    providers: set.FOVEA_PROVIDERS,
    httpPort: set.FOVEA_HTTP_PORT,
    name: set.FOVEA_BACKEND_NAME,
    capacity: set.FOVEA_CAPACITY,
    log: set.FOVEA_LOG,
    threads: set.FOVEA_THREADS,
    decodeThreads: set.FOVEA_DECODE_THREADS,
    slots: set.FOVEA_SLOTS,
    prefillChunk: set.FOVEA_PREFILL_CHUNK,
    memory: set.FOVEA_MEMORY_MB * MEGABYTE,
    kept: sharesOf(set).kept,
    window: set.FOVEA_WINDOW,
    engine,
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, environment: Variables): z.infer<Schema> {
  const result = schema.safeParse(environment)
  if (result.success) return result.data
  const lines = result.error.issues.map(
    (issue) => `${issue.path.join('.')}: ${issue.message}; ${JSON.stringify(environment[String(issue.path[0])]) ?? 'nothing'} came`,
  )
  throw new Error(`The configuration cannot be used.\n${lines.join('\n')}`)
}

function sharesOf(set: z.infer<typeof Memory>): MemoryShares & { kept: number } {
  return {
    slots: set.FOVEA_SLOTS,
    chunk: set.FOVEA_PREFILL_CHUNK,
    batch: set.FOVEA_BATCH_FRAMES,
    kept: set.FOVEA_CAPACITY * set.FOVEA_RING_MB * MEGABYTE,
    provider: set.FOVEA_PROVIDERS[0],
  }
}
