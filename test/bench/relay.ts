import { openHouse } from '@fovea/cli'
import { atMost, round, type Bench, type Goal } from './bench.ts'
import { Child } from './child.ts'
import { median, summary } from './percentile.ts'
import { descendants, processCpuMs } from './process-cpu.ts'
import type { LoadOrder, LoadReport } from './relay/load.ts'
import { openObjectEcho } from './relay/object-echo.ts'

const FRAME_BYTES = 40 * 1024
const CLIENTS = [1, 4, 16]
const SECONDS = 4
const FPS = 30

type Row = ReturnType<typeof summary> & { fps: number; dropped: number; cpuMsPerFrame: Record<string, number> }
type Target = { name: string; targets: (clients: number) => Promise<LoadOrder['targets']>; processes: Record<string, number> }

const relay: Bench = {
  name: 'relay',
  about: `frames of ${FRAME_BYTES / 1024} KB: client → edge → null backend → edge → client, beside bare sockets`,
  async run({ say, signal }) {
    const closing: (() => Promise<unknown>)[] = []
    try {
      const before = new Set(descendants(process.pid).map(({ pid }) => pid))
      const house = await openHouse({ inference: 'none', vars: { LIMITS: JSON.stringify({ maxFps: 100_000, bytesPerSecond: 1e12 }) } })
      closing.push(() => house.close())
      const edge = workerdSince(before)
      const known = new Set([...before, edge])
      const echo = await openObjectEcho('2026-07-28')
      closing.push(echo.close)
      const objectEcho = workerdSince(known)
      const start = async (file: string, env: Record<string, string>) => {
        const child = new Child(file, env)
        closing.push(() => child.stop())
        return child
      }
      const backend = await start('./null-backend.ts', { FOVEA_EDGE_URL: house.url, FOVEA_BACKEND_KEY: house.backendKey })
      await backend.hear()
      const [echoServer, peer, peerMasks] = await Promise.all([
        start('./relay/ws-servers.ts', { ROLE: 'echo' }),
        start('./relay/ws-servers.ts', { ROLE: 'peer' }),
        start('./relay/ws-servers.ts', { ROLE: 'peer', MASKS: 'on' }),
      ])
      const [echoUrl, peerUrl, peerMasksUrl] = [await urlOf(echoServer), await urlOf(peer), await urlOf(peerMasks)]
      const twoHop = await start('./relay/ws-servers.ts', { ROLE: 'relay', UPSTREAM: peerUrl })
      const twoHopMasks = await start('./relay/ws-servers.ts', { ROLE: 'relay', UPSTREAM: peerMasksUrl })
      const [twoHopUrl, twoHopMasksUrl] = [await urlOf(twoHop), await urlOf(twoHopMasks)]
      const load = await start('./relay/load.ts', {})
      const sessions = async (clients: number) => Promise.all(Array.from({ length: clients }, () => createSession(house.url, house.key)))

      const targets: Target[] = [
        { name: 'ws-echo', targets: plain(echoUrl), processes: { server: echoServer.pid } },
        { name: 'ws-two-hop', targets: plain(twoHopUrl), processes: { relay: twoHop.pid, peer: peer.pid } },
        { name: 'object-echo', targets: plain(echo.url), processes: { workerd: objectEcho } },
        { name: 'fovea', targets: sessions, processes: { edge, backend: backend.pid } },
      ]
      const heavy: Target[] = [
        { name: 'ws-two-hop, three masks', targets: plain(twoHopMasksUrl), processes: { relay: twoHopMasks.pid, peer: peerMasks.pid } },
        { name: 'fovea, three masks', targets: sessions, processes: { edge, backend: backend.pid } },
      ]

      const rows: Record<string, Row> = {}
      const measure = async (target: Target, clients: number, mode: LoadOrder['mode']) => {
        signal.throwIfAborted()
        const processes = { ...target.processes, load: load.pid }
        const order: LoadOrder = { targets: await target.targets(clients), mode, fps: FPS, seconds: SECONDS, bytes: FRAME_BYTES }
        load.tell(order)
        await load.hear<{ warm: true }>()
        const cpu = Object.entries(processes).map(([name, pid]) => [name, pid, processCpuMs(pid)] as const)
        const report = await load.hear<LoadReport>()
        const row: Row = {
          ...summary(report.latencies),
          fps: round((report.settled * 1000) / report.wallMs),
          dropped: report.dropped,
          cpuMsPerFrame: Object.fromEntries(cpu.map(([name, pid, was]) => [name, round((processCpuMs(pid) - was) / Math.max(1, report.settled))])),
        }
        rows[`${target.name}, ${clients} ${mode}`] = row
        say(
          `${`${target.name}, ${clients} ${mode}`.padEnd(36)} p50 ${row.p50} ms, p95 ${row.p95} ms, ${row.fps} fps, CPU ms a frame ${JSON.stringify(row.cpuMsPerFrame)}`,
        )
      }
      for (const mode of ['closed', 'open'] as const) for (const clients of CLIENTS) for (const target of targets) await measure(target, clients, mode)
      backend.tell({ masks: true })
      await backend.hear()
      for (const target of heavy) await measure(target, 4, 'closed')

      return { goals: goalsOf(rows), samples: { rows } }
    } finally {
      for (const close of closing.toReversed()) await close().catch(() => {})
    }
  },
}
export default relay

/** The workerd that was not there before: each Miniflare starts one. */
function workerdSince(before: ReadonlySet<number>): number {
  const found = descendants(process.pid).find(({ pid, name }) => !before.has(pid) && name.includes('workerd'))
  if (!found) throw new Error('No workerd process was started; the bench reads its CPU from /proc and needs Linux.')
  return found.pid
}

const urlOf = async (child: Child) => (await child.hear<{ url: string }>()).url
const plain = (url: string) => async (clients: number) => Array.from({ length: clients }, () => ({ url, fovea: false }))

async function createSession(url: string, key: string): Promise<LoadOrder['targets'][number]> {
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{}',
  })
  if (!response.ok) throw new Error(`The edge gave no session: ${response.status} ${await response.text()}`)
  const { wsUrl, protocols }: { wsUrl: string; protocols: string[] } = await response.json()
  return { url: wsUrl, protocols, fovea: true }
}

function goalsOf(rows: Record<string, Row>): Goal[] {
  const p50 = (name: string) => rows[name]?.p50 ?? Number.NaN
  const cpu = (name: string, process: string) => rows[name]?.cpuMsPerFrame[process] ?? Number.NaN
  const edgeCpu = CLIENTS.map((clients) => cpu(`fovea, ${clients} closed`, 'edge') / cpu(`object-echo, ${clients} closed`, 'workerd'))
  return [
    ...CLIENTS.map((clients) =>
      atMost(`p50 against the two-hop ws relay, ${clients} closed`, p50(`fovea, ${clients} closed`) / p50(`ws-two-hop, ${clients} closed`), 1.3),
    ),
    atMost('edge CPU a frame against a bare Durable Object echo, median of 1, 4, 16 closed', median(edgeCpu), 2.2),
  ]
}
