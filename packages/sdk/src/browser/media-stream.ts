import type { FrameSource } from '../frame-source.ts'
import { videoElement } from './video-element.ts'

/** The pictures of a MediaStream: a camera, a shared screen, a WebRTC peer. The tracks stop when the source ends, unless `keep` is set. */
export async function mediaStream(stream: MediaStream, { name = 'stream', keep = false }: { name?: string; keep?: boolean } = {}): Promise<FrameSource> {
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.srcObject = stream
  const onEnd = () => {
    video.srcObject = null
    if (!keep) for (const track of stream.getTracks()) track.stop()
  }
  try {
    await video.play()
  } catch (error) {
    onEnd()
    throw error
  }
  for (const track of stream.getVideoTracks())
    track.addEventListener('ended', () => stream.getVideoTracks().some(isLive) || video.dispatchEvent(new Event('ended')))
  return videoElement(video, { name, onEnd })
}

/**
 * A camera of this device; the browser asks the person.
 * @example
 * const sending = session.send(await camera({ facingMode: 'environment' }))
 */
export async function camera(video: MediaTrackConstraints = {}): Promise<FrameSource> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: { ideal: 1280 }, ...video } })
  return mediaStream(stream, { name: stream.getVideoTracks()[0]?.label || 'camera' })
}

/** A screen, window or tab; the browser asks which. */
export async function screen(options: DisplayMediaStreamOptions = {}): Promise<FrameSource> {
  return mediaStream(await navigator.mediaDevices.getDisplayMedia({ audio: false, video: true, ...options }), { name: 'screen' })
}

function isLive({ readyState }: MediaStreamTrack): boolean {
  return readyState === 'live'
}
