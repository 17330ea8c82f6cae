import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { download } from './download.ts'
import { importFamily } from './import.ts'
import { listPublished } from './hub-listing.ts'

/** A small hub: the listing of one repository, files in ranges. */
class SmallHub {
  readonly ranges: (string | undefined)[] = []
  knowsRanges = true
  /** how far from where it was asked a part begins */
  shift = 0
  /** true: whoever asks for a part is told that there is none */
  refusesRanges = false
  status = 200
  readonly #server: Server
  readonly #files: Readonly<Record<string, Buffer>>
  #url = ''

  constructor(files: Readonly<Record<string, Buffer>>) {
    this.#files = files
    this.#server = createServer((request, response) => {
      const path = request.url ?? ''
      if (this.status !== 200) return void response.writeHead(this.status).end()
      if (path.startsWith('/api/models/')) return void response.end(JSON.stringify(this.#listing()))
      const body = files[path.split('/resolve/main/')[1] ?? '']
      if (!body) return void response.writeHead(404).end()
      const { range } = request.headers
      this.ranges.push(range)
      if (range && this.refusesRanges) return void response.writeHead(416).end()
      const from = range && this.knowsRanges ? Number(/bytes=(\d+)-/.exec(range)?.[1]) + this.shift : 0
      const rest = body.subarray(from)
      const told = from > 0 ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length, ...told })
      response.end(rest)
    })
  }

  get url(): string {
    return this.#url
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    if (typeof address === 'object' && address) this.#url = `http://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #listing() {
    return Object.entries(this.#files).map(([path, body]) =>
      path.endsWith('.safetensors')
        ? { type: 'file', path, oid: 'pointer', size: body.length, lfs: { oid: createHash('sha256').update(body).digest('hex'), size: body.length } }
        : { type: 'file', path, oid: createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex'), size: body.length },
    )
  }
}

const WEIGHTS = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, at) => (at * 31) % 251))
const FILES = {
  'model.safetensors': WEIGHTS,
  'empty.json': Buffer.alloc(0),
  'config.json': Buffer.from('{"model_type":"x"}'),
  'images/cat.png': Buffer.from('no'),
}
const MODEL = { host: 'huggingface', repository: 'someone/model' } as const
let hub: SmallHub
let folder: string
beforeEach(async () => {
  hub = new SmallHub(FILES)
  await hub.open()
  folder = await mkdtemp(join(tmpdir(), 'fovea-hub-'))
})
afterEach(async () => {
  await hub.close()
  await rm(folder, { recursive: true })
})

/** A fetch whose connections break after so many bytes. */
function breaking(bytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const whole = new Uint8Array(await response.arrayBuffer())
    if (whole.length <= bytes) return new Response(whole, response)
    let sent = false
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) controller.error(new Error('The connection broke.'))
        else controller.enqueue(whole.subarray(0, bytes))
        sent = true
      },
    })
    return new Response(body, response)
  }
}

const wait = async (): Promise<void> => {}
const list = () => listPublished(MODEL, /\.(safetensors|json)$/, { environment: { HF_ENDPOINT: hub.url } })
const weights = async () => {
  const file = (await list()).find(({ path }) => path === 'model.safetensors')
  if (!file) throw new Error('It is listed.')
  return file
}

test('a listing gives the wanted files with their lengths and hashes', async () => {
  expect((await list()).map(({ path, bytes, hash }) => [path, bytes, hash.kind])).toEqual([
    ['model.safetensors', 300_000, 'sha256'],
    ['empty.json', 0, 'git'],
    ['config.json', 18, 'git'],
  ])
})

test('a connection that breaks is taken up where it stopped, and the whole is right', async () => {
  const seen: number[] = []
  await download(await weights(), join(folder, 'w'), { wait, fetch: breaking(100_000), onBytes: (received) => seen.push(received) })
  expect(await readFile(join(folder, 'w'))).toEqual(WEIGHTS)
  expect(hub.ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-'])
  expect(seen.at(-1)).toBe(300_000)
})

test('a connection may break often, as long as something came; one that brings nothing is given up', async () => {
  await download(await weights(), join(folder, 'w'), { wait, fetch: breaking(20_000), attempts: 3 })
  expect(await readFile(join(folder, 'w'))).toEqual(WEIGHTS)
  await rm(join(folder, 'w'))
  const before = hub.ranges.length
  await expect(download(await weights(), join(folder, 'w'), { wait, fetch: breaking(0), attempts: 3 })).rejects.toThrow('The connection broke.')
  expect(hub.ranges.length - before).toBe(3)
})

test('what an earlier try left is gone on from; a server without ranges begins anew', async () => {
  await writeFile(join(folder, 'w.part'), WEIGHTS.subarray(0, 120_000))
  await download(await weights(), join(folder, 'w'), { wait })
  expect(hub.ranges).toEqual(['bytes=120000-'])
  await rm(join(folder, 'w'))
  await writeFile(join(folder, 'w.part'), WEIGHTS.subarray(0, 120_000))
  hub.knowsRanges = false
  await download(await weights(), join(folder, 'w'), { wait })
  expect(await readFile(join(folder, 'w'))).toEqual(WEIGHTS)
})

test('what cannot be gone on from is thrown away, and the file begins anew', async () => {
  for (const fault of [
    { refusesRanges: true, shift: 0 },
    { refusesRanges: false, shift: 10 },
  ]) {
    Object.assign(hub, fault)
    await writeFile(join(folder, 'w.part'), WEIGHTS.subarray(0, 120_000))
    await download(await weights(), join(folder, 'w'), { wait })
    expect([await readFile(join(folder, 'w')), hub.ranges.at(-1)]).toEqual([WEIGHTS, undefined])
    await rm(join(folder, 'w'))
  }
})

test('a server that takes back what it sent is given up in the end', async () => {
  hub.refusesRanges = true
  await expect(download(await weights(), join(folder, 'w'), { wait, fetch: breaking(100_000), attempts: 3 })).rejects.toThrow(/answered 416|broke/)
})

test('an empty file is fetched like any other', async () => {
  const empty = (await list()).find(({ path }) => path === 'empty.json')
  if (!empty) throw new Error('It is listed.')
  await download(empty, join(folder, 'e'), { wait })
  expect((await stat(join(folder, 'e'))).size).toBe(0)
})

test('what has the wrong hash is thrown away and said; what is there and right is not fetched again', async () => {
  await writeFile(join(folder, 'w.part'), Buffer.alloc(120_000, 1))
  await expect(download(await weights(), join(folder, 'w'), { wait })).rejects.toThrow(/hash .* expected, .* came.*try again/)
  await expect(stat(join(folder, 'w.part'))).rejects.toThrow()
  await download(await weights(), join(folder, 'w'), { wait })
  const asked = hub.ranges.length
  await download(await weights(), join(folder, 'w'), { wait })
  expect(hub.ranges.length).toBe(asked)
})

test('a hub that asks who is there, has nothing, or is away, is told in words that help', async () => {
  hub.status = 401
  await expect(list()).rejects.toThrow(/accept its terms.*HF_TOKEN/)
  hub.status = 404
  await expect(list()).rejects.toThrow(/There is no someone\/model.*--from FOLDER/)
  await expect(listPublished(MODEL, /x/, { environment: { HF_ENDPOINT: 'http://127.0.0.1:9' } })).rejects.toThrow(/cannot be reached.*--from FOLDER/)
})

test('an import downloads, lets the trainer check and export, and says what came of it', async () => {
  const ran: string[][] = []
  const progress: string[] = []
  const made = await importFamily({
    family: 'llava-onevision',
    from: 'hub',
    out: join(folder, 'out'),
    choices: { precision: 'int4', size: '0.5b', stateWidth: '896' },
    onProgress: (detail) => progress.push(detail),
    run: async (args) => void ran.push([...args]),
    hub: { environment: { HF_ENDPOINT: hub.url }, cache: folder },
  })
  const weightsFolder = join(folder, 'llava-hf/llava-onevision-qwen2-0.5b-ov-hf')
  expect(await readFile(join(weightsFolder, 'model.safetensors'))).toEqual(WEIGHTS)
  expect(ran).toEqual([
    ['import', 'llava-onevision', weightsFolder],
    ['export', join(folder, 'out'), '--config', 'llava-onevision', '--start', weightsFolder, '--precision', 'int4'],
  ])
  expect(progress.some((line) => line.startsWith('model.safetensors: '))).toBe(true)
  expect(made).toMatch(/a bundle/)
})

test('a family that is not known, and a folder that is not there or holds something else, are named', async () => {
  const choices = { precision: 'int4', size: '1024', stateWidth: '192' }
  await expect(importFamily({ family: 'yolo', from: 'hub', out: folder, choices, run: wait })).rejects.toThrow(/no family yolo.*videochat-tpo.*edgetam/)
  await expect(importFamily({ family: 'edgetam', from: join(folder, 'none'), out: folder, choices, run: wait })).rejects.toThrow(/none is no folder/)
  await expect(importFamily({ family: 'edgetam', from: folder, out: folder, choices, run: wait })).rejects.toThrow(
    /holds nothing of edgetam; edgetam.pt is expected/,
  )
})
