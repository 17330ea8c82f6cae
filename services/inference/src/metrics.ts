import type { DropReason, FromBackend } from '@fovea/protocol'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Timings } from './thread-message.ts'

const MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
export type Gauges = { sessions: () => number; deviceMs: () => number; freeFrameSlots: () => number }

/** What Prometheus may read of this service. Names begin with `fovea_`; times are milliseconds. */
export class Metrics {
  readonly registry = new Registry()
  readonly #frames = new Counter({ name: 'fovea_frames_total', help: 'Frames by verdict.', labelNames: ['outcome', 'reason'], registers: [this.registry] })
  readonly #stage = new Histogram({
    name: 'fovea_frame_stage_ms',
    help: 'Time of a seen frame in each stage.',
    labelNames: ['stage'],
    buckets: MS,
    registers: [this.registry],
  })
  readonly #frame = new Histogram({ name: 'fovea_frame_ms', help: "From a frame's arrival here to its verdict.", buckets: MS, registers: [this.registry] })
  readonly #asks = new Counter({ name: 'fovea_asks_total', help: 'Asks by how they ended.', labelNames: ['finish'], registers: [this.registry] })
  readonly #firstWord = new Histogram({
    name: 'fovea_ask_first_word_ms',
    help: "From an ask's arrival here to its first word.",
    buckets: MS,
    registers: [this.registry],
  })
  readonly #ask = new Histogram({ name: 'fovea_ask_ms', help: "From an ask's arrival here to its end.", buckets: MS, registers: [this.registry] })
  readonly #tokens = new Counter({ name: 'fovea_answer_tokens_total', help: 'Tokens of answers.', registers: [this.registry] })
  readonly #evidence = new Counter({ name: 'fovea_evidence_total', help: 'Results of heads in answers.', labelNames: ['task'], registers: [this.registry] })

  constructor({ sessions, deviceMs, freeFrameSlots }: Gauges) {
    this.#gauge('fovea_sessions', 'Sessions on this backend.', sessions)
    const device: Counter = new Counter({
      name: 'fovea_device_ms_total',
      help: 'Time the device has run graphs.',
      registers: [this.registry],
      collect: () => {
        device.reset()
        device.inc(deviceMs())
      },
    })
    this.#gauge('fovea_free_frame_slots', 'Shared slots for decoded pictures that are free.', freeFrameSlots)
    this.#gauge('fovea_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())
  }

  verdict({ outcome, reason, timings, totalMs }: { outcome: 'seen' | 'dropped'; reason?: DropReason; timings?: Timings; totalMs?: number }): void {
    this.#frames.inc({ outcome, reason: reason ?? '' })
    if (timings) for (const [stage, ms] of Object.entries(timings)) this.#stage.observe({ stage }, ms)
    if (totalMs !== undefined) this.#frame.observe(totalMs)
  }

  said(message: FromBackend): void {
    if (message.type === 'head-result') this.#evidence.inc({ task: message.evidence.task })
    if (message.type !== 'answer-ended') return
    this.#asks.inc({ finish: message.finish })
    this.#ask.observe(message.usage.totalMs)
    this.#tokens.inc(message.usage.answerTokens)
    if (message.usage.firstWordMs !== undefined) this.#firstWord.observe(message.usage.firstWordMs)
  }

  /** Asks that ended with their session: nobody heard their end. */
  cutOff(asks: number): void {
    if (asks > 0) this.#asks.inc({ finish: 'error' }, asks)
  }

  #gauge(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [], collect: () => gauge.set(value()) })
    this.registry.registerMetric(gauge)
  }
}
