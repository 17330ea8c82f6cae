import { encodeRle, type FrameHeader, type Perception } from '@fovea/protocol'

/** About the size of an outline's text in each of the three perceptions of a heavy verdict. */
const MASK_BYTES = 4096

/** The JSON of a verdict: bare, or with three outlines. Every byte is made once, so that a process pays for sending, not for making. */
export function verdictText(masks: boolean): (header: FrameHeader) => string {
  const perceptions = JSON.stringify(masks ? [0, 1, 2].map(perception) : [])
  return ({ stream, frame, mediaTime, receivedAt }) =>
    `{"type":"frame-seen","stream":${stream},"frame":${frame},"mediaTime":${mediaTime},"receivedAt":${receivedAt},"timings":{"queue":0,"decode":0,"encode":0,"heads":0},"perceptions":${perceptions}}`
}

function perception(index: number): Perception {
  return { watch: `w${index}`, task: 'mask', score: 0.9, mask: maskOf(MASK_BYTES), box: [0.1, 0.1, 0.9, 0.9] }
}

// A comb: its run-length text grows by one or two characters a tooth, so the size can be met closely.
function maskOf(bytes: number) {
  const [height, width] = [480, 640]
  for (let teeth = 100; ; teeth += 50) {
    const mask = new Uint8Array(height * width)
    for (let index = 0; index < height * width; index++) mask[index] = Math.floor(index / Math.ceil((height * width) / teeth)) % 2
    const rle = encodeRle(mask, height, width)
    if (rle.counts.length >= bytes) return { size: rle.size, counts: rle.counts.slice(0, bytes) }
  }
}
