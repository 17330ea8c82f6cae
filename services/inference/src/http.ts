import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.ts'

export type Health = { ok: boolean; [detail: string]: unknown }
export type HttpOptions = { port: number; metrics: Metrics; health: () => Health; ready: () => boolean }

/** `/healthz` (what runs and why), `/readyz`, `/metrics`: on the loopback address only, for whoever operates this machine. */
export async function openHttp({ port, metrics, health, ready }: HttpOptions): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, type: string, body: string): void => void response.writeHead(status, { 'content-type': type }).end(body)
    try {
      switch (request.url) {
        case '/healthz': {
          const body = health()
          return answer(body.ok ? 200 : 503, 'application/json', JSON.stringify(body))
        }
        case '/readyz':
          return ready() ? answer(200, 'text/plain', 'ready\n') : answer(503, 'text/plain', 'not ready\n')
        case '/metrics':
          return answer(200, metrics.registry.contentType, await metrics.registry.metrics())
        default:
          return answer(404, 'text/plain', 'Only /healthz, /readyz and /metrics are here.\n')
      }
    } catch {
      answer(500, 'text/plain', 'Something failed.\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
