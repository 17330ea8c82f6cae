import { encodeFrame, encodePicture, encodeVerdict, type FrameHeader, type PictureHeader, type VerdictHeader } from '../../src/index.ts'
import { startedAt } from './scene.ts'

type BinaryExample = { name: string; kind: 'frame' | 'verdict' | 'picture'; header: FrameHeader | VerdictHeader | PictureHeader; payload: string; hex: string }

const text = (words: string) => new TextEncoder().encode(words)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function frame(name: string, header: FrameHeader, payload: string): BinaryExample {
  return { name, kind: 'frame', header, payload, hex: hex(encodeFrame(header, text(payload))) }
}
function verdict(name: string, header: VerdictHeader, payload: string): BinaryExample {
  return { name, kind: 'verdict', header, payload, hex: hex(encodeVerdict(header, payload)) }
}
function picture(name: string, header: PictureHeader, payload: string): BinaryExample {
  return { name, kind: 'picture', header, payload, hex: hex(encodePicture(header, text(payload))) }
}

/** Every binary message byte by byte; `payload` stands for the picture or is the JSON, as UTF-8. */
export const binaryExamples: BinaryExample[] = [
  frame(
    'the first frame of a stream',
    { stream: 0, frame: 1, codec: 'jpeg', keep: false, width: 640, height: 480, mediaTime: 0, receivedAt: 0, verdictsRead: 0 },
    'JPEG',
  ),
  frame(
    'a kept frame, stamped by the edge',
    { stream: 513, frame: 70_000, codec: 'rgb8', keep: true, width: 224, height: 168, mediaTime: 2333.25, receivedAt: startedAt + 212, verdictsRead: 69_998 },
    'RGB',
  ),
  frame(
    'the largest numbers',
    { stream: 0xffff, frame: 0xffff_ffff, codec: 'png', keep: false, width: 0xffff, height: 0xffff, mediaTime: 1e12, receivedAt: 0, verdictsRead: 0xffff_fffe },
    '',
  ),
  verdict('seen', { outcome: 'seen', frame: 7, stream: 0, epoch: 1 }, '{"type":"frame-seen"}'),
  verdict('dropped', { outcome: 'dropped', frame: 70_001, stream: 513, epoch: 300 }, '{"type":"frame-dropped","message":"ß"}'),
  picture('a picture that was asked for', { frame: 7, stream: 0, request: 'picture-01' }, 'PNG'),
]
