import type { FromBackend } from '@fovea/protocol'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { ControlLink } from './control-link.ts'
import { Device } from './device.ts'
import { openHttp } from './http.ts'
import { Metrics } from './metrics.ts'
import { SessionLink } from './session-link.ts'

export type Service = { port: number; close: () => Promise<void> }

/** The whole service: one device, its HTTP door, the link to the pool, a link for each assigned session. */
export async function openService(config: Config, log: Logger, onLost: (error: Error) => void): Promise<Service> {
  const links = new Map<string, SessionLink>()
  let device: Device | undefined
  let control: ControlLink | undefined
  const metrics = new Metrics({ sessions: () => links.size, deviceMs: () => device?.busyMs ?? 0, freeFrameSlots: () => device?.pictures.freeSlots ?? 0 })
  const health = () => ({
    ok: device?.state === 'ready',
    backend: config.name,
    modelThread: device?.state ?? 'starting',
    model: device?.model,
    providers: device?.report.providers,
    decoder: device?.pictures.decoder,
    pool: control?.state ?? { name: 'dialing' },
    sessions: links.size,
    capacity: config.capacity,
    kvBytes: device?.report.kvBytes,
    limits: config.engine,
    node: process.version,
    uptimeS: Math.round(process.uptime()),
  })
  const http = await openHttp({ port: config.httpPort, metrics, health, ready: () => device?.state === 'ready' && control?.state.name === 'joined' })
  log.info({ port: http.port }, 'listening')
  device = await Device.open({
    bundle: config.bundle,
    providers: config.providers,
    threads: config.threads,
    slots: config.slots,
    prefillChunk: config.prefillChunk,
    memory: config.memory,
    kept: config.kept,
    engine: config.engine,
    decodeThreads: config.decodeThreads,
    frameSlots: Math.max(8, config.capacity * config.window),
    onTrouble: (message) => log.error({ trouble: message }, 'the device had trouble'),
    onLost,
  }).catch(async (error: unknown) => {
    await http.close()
    throw error
  })
  const { report, model } = device
  for (const { provider, because } of report.providers.refused) log.warn({ provider, because }, 'provider refused')
  const oneDevice = device
  let busyBefore = device.busyMs
  let busyAt = performance.now()
  const load = (): Extract<FromBackend, { type: 'load' }> => {
    const elapsed = performance.now() - busyAt
    const deviceMs = elapsed > 0 ? Math.max(0, ((oneDevice.busyMs - busyBefore) / elapsed) * 1000) : 0
    if (elapsed > 900) {
      busyBefore = oneDevice.busyMs
      busyAt = performance.now()
    }
    return {
      type: 'load',
      sessions: links.size,
      deviceMs: Math.round(deviceMs),
      oldestMs: Math.round(Math.max(0, ...[...links.values()].map((link) => link.oldestMs))),
      modelThread: oneDevice.state,
    }
  }
  control = new ControlLink({
    edgeUrl: config.edgeUrl,
    key: config.backendKey,
    log,
    load,
    hello: { type: 'hello', backend: config.name, models: [model], capacity: config.capacity },
    assigned: (assign) => {
      if (oneDevice.state === 'hung') return { refused: 'The model thread hangs.' }
      const before = links.get(assign.session)
      if (!before && links.size >= config.capacity) return { refused: `All ${config.capacity} places are taken.` }
      // A newer epoch of a session this backend already serves: the old link is fenced by the edge; it goes at once.
      before?.close(1000, 'A newer assignment of this session came.')
      const link: SessionLink = new SessionLink({
        assign,
        device: oneDevice,
        metrics,
        window: config.window,
        model,
        log,
        load,
        closed: () => {
          if (links.get(assign.session) === link) links.delete(assign.session)
        },
      })
      links.set(assign.session, link)
      return undefined
    },
  })
  log.info(
    {
      model: model.name,
      hash: model.hash,
      tasks: model.tasks,
      providers: [report.providers.used],
      decoder: device.pictures.decoder,
      loadMs: Math.round(report.loadMs),
    },
    'ready',
  )
  return {
    port: http.port,
    async close() {
      control?.close()
      for (const link of links.values()) link.close(1012, 'The backend is going away.')
      await http.close()
      await oneDevice.close()
    },
  }
}
