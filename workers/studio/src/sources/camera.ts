import type { Source } from './source.ts'
import { videoSource } from './video.ts'

/** A camera, the browser's choice or the one with this id. */
export async function openCamera(deviceId?: string): Promise<Source> {
  if (!navigator.mediaDevices) throw new Error('cameras need a secure page. Open the studio on https, or on 127.0.0.1.')
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: 'environment' }), width: { ideal: 1280 }, height: { ideal: 720 } },
  })
  return videoSource(stream.getVideoTracks()[0]?.label || 'Camera', stream)
}

/** Cameras by name. Names are empty until a camera was allowed once. */
export async function cameras(): Promise<{ id: string; name: string }[]> {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? []
  return devices
    .filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId !== '')
    .map(({ deviceId, label }, index) => ({ id: deviceId, name: label || `Camera ${index + 1}` }))
}

/** A screen, a window or a tab, as the browser lets the user choose. */
export async function openScreen(): Promise<Source> {
  const stream = await navigator.mediaDevices.getDisplayMedia({ audio: false, video: { frameRate: 15 } })
  return videoSource('Screen', stream)
}
