import { expect, test, vi } from 'vitest'
import { Pulse, PULSE_BYTES } from './pulse.ts'

test('[SE3] a run hangs after ten times the longest of the warm-up, though never before ten seconds', () => {
  vi.useFakeTimers()
  const memory = new SharedArrayBuffer(PULSE_BYTES)
  const [device, watcher] = [new Pulse(memory), new Pulse(memory)]
  const run = (ms: number): void => {
    device.mark(true)
    vi.advanceTimersByTime(ms)
    device.mark(false)
  }
  device.mark(true)
  vi.advanceTimersByTime(60_000)
  // Loading and warming up may take as long as they take.
  expect(watcher.hangs).toBe(false)
  device.mark(false)
  device.warm()
  device.mark(true)
  vi.advanceTimersByTime(599_000)
  expect(watcher.hangs).toBe(false)
  vi.advanceTimersByTime(2_000)
  expect(watcher.hangs).toBe(true)
  device.mark(false)
  expect(watcher.hangs).toBe(false)
  const before = watcher.busyMs
  run(250)
  expect(watcher.busyMs - before).toBeCloseTo(250, 0)
  vi.useRealTimers()
})
