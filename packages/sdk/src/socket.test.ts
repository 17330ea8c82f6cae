import { CLOSE } from '@fovea/protocol'
import type { ProtocolError } from '@fovea/protocol'
import { describe, expect, test } from 'vitest'
import { Socket } from './socket.ts'
import type { OpenWire, WireHandlers } from './websocket.ts'

/** A socket whose wires, and whose waits between tries, are in the hand of the test. */
function open({ openWire }: { openWire?: OpenWire } = {}) {
  const wires: WireHandlers[] = []
  const waits: (() => void)[] = []
  const downs: { because: string; final: ProtocolError | undefined }[] = []
  const socket = new Socket({
    ticket: async () => ({ wsUrl: 'ws://edge.test/s', protocols: ['fovea.v1'] }),
    openWire:
      openWire ??
      ((_url, _protocols, handlers) => {
        wires.push(handlers)
        return { send: () => {}, close: () => {}, drop: () => {} }
      }),
    onText: (text) => text === 'session-ready' && socket.send('session-resume'),
    onBinary: () => {},
    onDown: (because, final) => downs.push({ because, final }),
    after: (_ms, run) => {
      waits.push(run)
      return () => {}
    },
  })
  /** the newest wire, after the wait that goes before it */
  const wire = async () => {
    for (const run of waits.splice(0)) run()
    await new Promise((resolve) => setTimeout(resolve))
    const newest = wires.at(-1)
    if (!newest) throw new Error('no wire was opened')
    return newest
  }
  return { socket, wires, downs, wire }
}

describe('before the first word', () => {
  test('a platform that opens no WebSocket ends it, with what it said', async () => {
    const { downs } = open({
      openWire: () => {
        throw new DOMException('An insecure WebSocket connection may not be initiated from a page loaded over HTTPS.', 'SecurityError')
      },
    })
    await new Promise((resolve) => setTimeout(resolve))
    expect(downs).toMatchObject([{ final: { code: 'unsupported', message: expect.stringMatching(/ws:\/\/edge\.test\/s.*insecure.*wss:/s) } }])
  })

  test('a handshake that always fails is given up, with what to check', async () => {
    const { downs, wires, wire } = open()
    while (!downs.at(-1)?.final && wires.length < 50) (await wire()).close(1006, 'Unexpected server response: 502')
    expect(wires).toHaveLength(6)
    expect(downs.at(-1)?.final).toMatchObject({
      code: 'unavailable',
      details: { retryable: true },
      message: expect.stringMatching(/6 tries.*close 1006: Unexpected server response: 502.*reachable/),
    })
  })

  test('a socket that opens and closes before it can speak has not come about either', async () => {
    const { downs, wires, wire } = open()
    while (!downs.at(-1)?.final && wires.length < 50) {
      const handlers = await wire()
      handlers.open()
      handlers.close(CLOSE.overloaded, '')
    }
    expect(downs.at(-1)?.final?.message).toContain('close 1013')
  })
})

test('[EV2] one that has spoken once tries for as long as it takes', async () => {
  const { downs, wire } = open()
  const first = await wire()
  first.open()
  first.text('session-ready')
  first.close(1006, '')
  for (let count = 0; count < 50; count++) (await wire()).close(1006, '')
  expect(downs.every(({ final }) => final === undefined)).toBe(true)
})

describe('[WI5] close 4010', () => {
  test('to a machine that slept through its ten seconds is not the end', async () => {
    const { downs, wires, wire } = open()
    const first = await wire()
    first.open()
    first.close(CLOSE.protocol, 'session-resume is the first message; none came')
    // Woken late, it reads what came while it slept, and answers into a socket that is closed already.
    const second = await wire()
    second.open()
    second.text('session-ready')
    second.close(CLOSE.protocol, 'session-resume is the first message; none came')
    await wire()
    expect(wires).toHaveLength(3)
    expect(downs.map(({ final }) => final)).toEqual([undefined, undefined])
  })

  test('to what the edge has answered is final', async () => {
    const { downs, wire } = open()
    const handlers = await wire()
    handlers.open()
    handlers.text('session-ready')
    handlers.text('error')
    handlers.close(CLOSE.protocol, 'more than 20 invalid messages in a minute')
    expect(downs).toMatchObject([{ final: { code: 'invalid-message' } }])
  })
})

test('[SE2] a program that was replaced is told how to take the session back', async () => {
  const { downs, wire } = open()
  const handlers = await wire()
  handlers.open()
  handlers.close(CLOSE.replaced, '')
  expect(downs[0]?.final).toMatchObject({ code: 'conflict', message: expect.stringContaining('take it back with openSession') })
})
