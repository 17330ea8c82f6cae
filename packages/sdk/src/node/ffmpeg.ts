import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { basename } from 'node:path'
import { ProtocolError } from '@fovea/protocol'
import { AsyncQueue } from '../async-queue.ts'
import type { Frame, FrameSource } from '../frame-source.ts'
import { encodePicture } from './encode-picture.ts'
import { JpegSplitter } from './jpeg-splitter.ts'

/** Any video that the `ffmpeg` on this machine reads. A program of its own, started and fed by pipes: nothing of it is linked or shipped. */
export function ffmpegFile(path: string, { maxFps }: { maxFps?: number } = {}): FrameSource {
  return {
    policy: 'all',
    name: basename(path).slice(0, 100),
    async *frames({ modelSize, signal }): AsyncGenerator<Frame> {
      // showinfo writes one line a frame, in order, with its time: variable frame rates keep their own clock.
      const filters = [...(maxFps ? [`fps=${maxFps}:round=near`] : []), ...shrink(modelSize()), 'showinfo'].join(',')
      const args = [
        '-nostdin',
        '-hide_banner',
        '-loglevel',
        'info',
        '-i',
        path,
        '-an',
        '-sn',
        '-vf',
        filters,
        '-fps_mode',
        'passthrough',
        '-f',
        'image2pipe',
        '-c:v',
        'mjpeg',
        '-q:v',
        '3',
        'pipe:1',
      ]
      const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'], signal })
      const times = new AsyncQueue<number>()
      const errors: string[] = []
      createInterface({ input: child.stderr })
        .on('line', (line) => {
          const time = /pts_time:\s*(-?[\d.]+)/.exec(line)?.[1]
          if (time !== undefined) times.push(Number(time) * 1000)
          else if (/error|invalid|no such/i.test(line)) errors.push(line.trim())
        })
        .on('close', () => times.end())
      // Killed by the signal, it "fails"; how it ended is read from `close`.
      child.on('error', () => {})
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
      const splitter = new JpegSplitter()
      let start: number | undefined
      try {
        for await (const chunk of child.stdout) {
          for (const picture of splitter.push(chunk)) {
            if (signal.aborted) return
            const time = await times.next()
            const mediaTime = time.value ?? 0
            start ??= mediaTime
            yield await encodePicture(picture, Math.max(0, mediaTime - start), modelSize())
          }
        }
      } finally {
        child.kill()
      }
      await ended
      if (start === undefined && !signal.aborted)
        throw new ProtocolError('undecodable', `ffmpeg found no picture in ${path}. ${errors.slice(0, 2).join(' ')}`.trim())
    },
  }
}

/** True when there is an `ffmpeg` on the PATH. */
export async function hasFfmpeg(): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('ffmpeg', ['-version'], { stdio: 'ignore' })
    child.on('error', () => resolve(false))
    child.on('close', (code) => resolve(code === 0))
  })
}

/** Shrinks inside ffmpeg, where it is cheapest; the long side to 640 as long as the model is not known. */
function shrink(model: readonly [number, number] | undefined): string[] {
  const scale = model ? `max(${model[1]}/iw\\,${model[0]}/ih)` : '640/max(iw\\,ih)'
  return [`scale=w='round(iw*min(1\\,${scale}))':h='round(ih*min(1\\,${scale}))'`]
}
