import { openHouse } from '@fovea/cli'
import { atMost, round, type Bench, type Goal } from './bench.ts'
import { Child } from './child.ts'
import { median, summary } from './percentile.ts'
import { descendants, processCpuMs } from './process-cpu.ts'
import type { LoadOrder, LoadReport } from './relay/load.ts'
import { openBareObjects } from './relay/bare-objects.ts'

const FRAME_BYTES = 40 * 1024
const CLIENTS = [1, 4, 16]
const SECONDS = 2
const FPS = 30
/** Rounds of a row, its targets side by side in each: what else the machine does falls on all of them. */
const ROUNDS = { closed: 3, open: 1 }

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
      const objects = await openBareObjects('2026-07-28')
      closing.push(objects.close)
      const workerd = workerdSince(known)
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
      const dialler = await start('./relay/ws-servers.ts', { ROLE: 'peer' })
      await urlOf(dialler)
      const load = await start('./relay/load.ts', {})
      const relayed = async (clients: number) => {
        const ids = Array.from({ length: clients }, () => crypto.randomUUID())
        dialler.tell({ dial: ids.map(objects.backend) })
        await dialler.hear()
        return ids.map((id) => ({ url: objects.client(id), fovea: false }))
      }
      const sessions = async (clients: number) => Promise.all(Array.from({ length: clients }, () => createSession(house.url, house.key)))

      const targets: Target[] = [
        { name: 'ws-echo', targets: plain(echoUrl), processes: { server: echoServer.pid } },
        { name: 'ws-two-hop', targets: plain(twoHopUrl), processes: { relay: twoHop.pid, peer: peer.pid } },
        { name: 'object-echo', targets: plain(objects.echo), processes: { workerd } },
        { name: 'object-relay', targets: relayed, processes: { workerd, peer: dialler.pid } },
        { name: 'fovea', targets: sessions, processes: { edge, backend: backend.pid } },
      ]
      const heavy: Target[] = [
        { name: 'ws-two-hop, three masks', targets: plain(twoHopMasksUrl), processes: { relay: twoHopMasks.pid, peer: peerMasks.pid } },
        { name: 'fovea, three masks', targets: sessions, processes: { edge, backend: backend.pid } },
      ]

      const rounds = new Map<string, Row[]>()
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
        const name = `${target.name}, ${clients} ${mode}`
        rounds.set(name, [...(rounds.get(name) ?? []), row])
      }
      const sideBySide = async (all: readonly Target[], clients: number, mode: LoadOrder['mode']) => {
        // Whoever comes first in one round comes last in the next.
        for (let time = 0; time < ROUNDS[mode]; time++) for (const target of time % 2 === 0 ? all : all.toReversed()) await measure(target, clients, mode)
        for (const target of all) {
          const name = `${target.name}, ${clients} ${mode}`
          const { p50, p95, fps, cpuMsPerFrame } = middle(rounds.get(name) ?? [])
          say(`${name.padEnd(36)} p50 ${p50} ms, p95 ${p95} ms, ${fps} fps, CPU ms a frame ${JSON.stringify(cpuMsPerFrame)}`)
        }
      }
      for (const mode of ['closed', 'open'] as const) for (const clients of CLIENTS) await sideBySide(targets, clients, mode)
      backend.tell({ masks: true })
      await backend.hear()
      await sideBySide(heavy, 4, 'closed')

      const rows = Object.fromEntries(Array.from(rounds, ([name, all]) => [name, middle(all)]))
      return { goals: goalsOf(rounds), samples: { rows, ratios: ratiosOf(rounds) } }
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

/** The round in the middle, field by field. */
function middle(all: readonly Row[]): Row {
  const of = (pick: (row: Row) => number) => round(median(all.map(pick)))
  const processes = Object.keys(all[0]?.cpuMsPerFrame ?? {})
  return {
    count: of((row) => row.count),
    p50: of((row) => row.p50),
    p95: of((row) => row.p95),
    p99: of((row) => row.p99),
    mean: of((row) => row.mean),
    fps: of((row) => row.fps),
    dropped: of((row) => row.dropped),
    cpuMsPerFrame: Object.fromEntries(processes.map((name) => [name, of((row) => row.cpuMsPerFrame[name] ?? Number.NaN)])),
  }
}

/** One value over another in the same round; the median of the rounds. */
function ratio(rounds: Map<string, Row[]>, [a, ofA]: [string, (row: Row) => number], [b, ofB]: [string, (row: Row) => number]): number {
  const [over, under] = [rounds.get(a) ?? [], rounds.get(b) ?? []]
  return median(over.map((row, index) => ofA(row) / (under[index] ? ofB(under[index]) : Number.NaN)))
}

const p50 = (row: Row) => row.p50
const cpu = (process: string) => (row: Row) => row.cpuMsPerFrame[process] ?? Number.NaN

function goalsOf(rounds: Map<string, Row[]>): Goal[] {
  const edgeCpu = CLIENTS.map((clients) => ratio(rounds, [`fovea, ${clients} closed`, cpu('edge')], [`object-echo, ${clients} closed`, cpu('workerd')]))
  return [
    ...CLIENTS.map((clients) =>
      atMost(
        `p50 against the two-hop ws relay, ${clients} closed`,
        ratio(rounds, [`fovea, ${clients} closed`, p50], [`ws-two-hop, ${clients} closed`, p50]),
        1.3,
      ),
    ),
    atMost('edge CPU a frame against a bare Durable Object echo, median of 1, 4, 16 closed', median(edgeCpu), 2.2),
  ]
}

/** What of the goals' ratios is the platform's: a bare relay in a Durable Object, and Fovea against that. */
function ratiosOf(rounds: Map<string, Row[]>): Record<string, number> {
  return Object.fromEntries(
    CLIENTS.flatMap((clients) => [
      [
        `object-relay p50 against ws-two-hop, ${clients} closed`,
        round(ratio(rounds, [`object-relay, ${clients} closed`, p50], [`ws-two-hop, ${clients} closed`, p50])),
      ],
      [`fovea p50 against object-relay, ${clients} closed`, round(ratio(rounds, [`fovea, ${clients} closed`, p50], [`object-relay, ${clients} closed`, p50]))],
      [
        `edge CPU against object-relay, ${clients} closed`,
        round(ratio(rounds, [`fovea, ${clients} closed`, cpu('edge')], [`object-relay, ${clients} closed`, cpu('workerd')])),
      ],
    ]),
  )
}
