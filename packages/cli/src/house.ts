import { Log, LogLevel, Miniflare, Response } from 'miniflare'
import type { Request } from 'miniflare'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Readable } from 'node:stream'
import { join, resolve } from 'node:path'
import { bundleEdge } from './bundle-edge.ts'
import { bundleStudio } from './bundle-studio.ts'
import { migrate, registerKeys } from './catalogue.ts'
import { lockFolder } from './folder-lock.ts'
import { refuseTakenPort } from './free-port.ts'
import { InferenceProcess } from './inference-process.ts'
import type { InferenceReady } from './inference-process.ts'
import { keysIn } from './keys.ts'
import { makeFolder } from './make-folder.ts'
import { inRepository } from './repository.ts'
import { staticFile } from './static-files.ts'
import { WorkerdProcess } from './workerd-process.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const COMPATIBILITY_DATE = '2026-07-28'
const HOST = '127.0.0.1'

export type HouseOptions = {
  /** where keys, catalogue and sessions are kept; a folder that goes with the house where absent */
  dataDir?: string
  /** 0 = any free one */
  port?: number
  /** folder of the model bundle; the embedded one where absent */
  bundle?: string
  /** execution providers in order, such as `cuda,cpu` */
  providers?: string
  /** further bindings of the edge: CHAT_BASE_URL, LIMITS, … */
  vars?: Record<string, string>
  /** further environment of the inference service */
  env?: Record<string, string>
  /** how many inference processes */
  backends?: number
  inference?: 'spawn' | 'none'
  /** the caller hears SIGINT and SIGTERM and closes the house itself; else the first of them ends the process at once */
  ownsSignals?: boolean
  /** a studio page at / */
  studio?: boolean
  /** where lines of the parts go */
  log?: (part: 'edge' | 'inference', line: string) => void
}

/** A running Fovea: edge in workerd, inference on this machine, storage in a folder. */
export interface House extends AsyncDisposable {
  readonly url: string
  readonly wsUrl: string
  /** API key of the local tenant */
  readonly key: string
  readonly backendKey: string
  readonly backends: readonly InferenceProcess[]
  /** what each backend said when it was ready, with the port of its own HTTP */
  readonly ready: Promise<readonly InferenceReady[]>
  readonly hasStudio: boolean
  /** starts one more backend */
  addBackend(): InferenceProcess
  close(): Promise<void>
}

/**
 * Starts the whole system in one call; resolves when the edge answers. `house.ready` resolves when the backends serve.
 * @example
 * await using house = await openHouse()
 * const session = await openSession(house)
 */
export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const { port = 0, backends: count = 1, inference = 'spawn', studio = true, log = () => {} } = options
  const temporary = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'fovea-')) : undefined
  const dataDir = resolve(temporary ?? options.dataDir ?? '.fovea')
  await makeFolder(dataDir, 'the data folder')
  const lock = await lockFolder(dataDir)
  const processes: InferenceProcess[] = []
  const workerd = new WorkerdProcess()
  // A signal may end the process without closing the house.
  const removeTemporary = () => temporary && rmSync(temporary, { recursive: true, force: true })
  process.once('exit', removeTemporary)
  let edge: Miniflare | undefined
  let closed: Promise<void> | undefined
  const close = async () => {
    await Promise.all(processes.map((process) => process.close()))
    try {
      await edge?.dispose()
    } finally {
      await workerd.end()
      await lock.release()
      if (temporary) await rm(temporary, { recursive: true, force: true })
      process.off('exit', removeTemporary)
    }
  }
  const closeOnce = () => (closed ??= close())

  try {
    await refuseTakenPort(HOST, port)
    const keys = await keysIn(join(dataDir, 'keys.json'))
    const studioDir = inRepository('workers/studio/dist')
    const [script, hasStudio] = await Promise.all([bundleEdge(), studio ? bundleStudio(studioDir) : false])
    edge = workerd.during(() => openEdge(options, { port, dataDir, script, studioDir, ticketSecret: keys.ticketSecret }))
    const address = await edge.ready
    const database = await edge.getD1Database('DB')
    await migrate(database, inRepository('workers/edge/src/store/migrations/catalogue'))
    await registerKeys(database, keys, Date.now())
    const url = address.origin
    await lock.tell({ url, workerd: workerd.pid })
    const addBackend = () => {
      const process = new InferenceProcess({
        edgeUrl: url,
        backendKey: keys.backend,
        name: `local-${processes.length + 1}`,
        ...(options.bundle && { bundle: options.bundle }),
        ...(options.providers && { providers: options.providers }),
        ...(options.env && { env: options.env }),
        log: (line) => log('inference', line),
      })
      processes.push(process)
      return process
    }
    if (inference === 'spawn') for (let index = 0; index < count; index++) addBackend()
    const ready = Promise.all(processes.map((process) => process.ready))
    ready.catch(() => {})
    return {
      url,
      wsUrl: url.replace(/^http/, 'ws'),
      key: keys.api,
      backendKey: keys.backend,
      backends: processes,
      ready,
      hasStudio,
      addBackend,
      close: closeOnce,
      [Symbol.asyncDispose]: closeOnce,
    }
  } catch (error) {
    await closeOnce()
    throw error
  }
}

type EdgeParts = { port: number; dataDir: string; script: string; studioDir: string; ticketSecret: string }

function openEdge(
  { vars = {}, studio = true, ownsSignals = false, log = () => {} }: HouseOptions,
  { port, dataDir, script, studioDir, ticketSecret }: EdgeParts,
): Miniflare {
  const ours = new Set(SIGNALS.flatMap((signal) => process.listeners(signal)))
  const edge = new Miniflare({
    name: 'fovea',
    modules: [{ type: 'ESModule', path: 'index.mjs', contents: script }],
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: ['nodejs_compat'],
    host: HOST,
    // Otherwise Miniflare asks the network where this machine stands.
    cf: false,
    port,
    durableObjects: { SESSION: { className: 'SessionObject', useSQLite: true }, POOL: { className: 'PoolObject', useSQLite: true } },
    d1Databases: { DB: 'fovea' },
    defaultPersistRoot: join(dataDir, 'state'),
    bindings: { TICKET_SECRET: ticketSecret, STUDIO: studio ? 'on' : 'off', ...vars },
    serviceBindings: {
      ASSETS: async (request: Request) => {
        const file = await staticFile([studioDir, inRepository('samples')], new URL(request.url).pathname.replace(/^\/samples\//, '/'))
        return file ? new Response(file.body, { headers: { 'content-type': file.type } }) : new Response('Not found', { status: 404 })
      },
    },
    log: new EdgeLog((line) => log('edge', line)),
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      for (const stream of [stdout, stderr]) {
        stream.setEncoding('utf8')
        stream.on('data', (text: string) => log('edge', text.trimEnd()))
      }
    },
  })
  // Miniflare ends the process on the first signal, before anything else could be closed.
  if (ownsSignals) for (const signal of SIGNALS) for (const listener of process.listeners(signal)) if (!ours.has(listener)) process.off(signal, listener)
  return edge
}

class EdgeLog extends Log {
  readonly #write: (line: string) => void

  constructor(write: (line: string) => void) {
    super(LogLevel.WARN)
    this.#write = write
  }

  override log(message: string): void {
    this.#write(message)
  }
}
