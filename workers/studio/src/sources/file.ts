import { pictureSource } from './picture.ts'
import type { Source } from './source.ts'
import { videoSource } from './video.ts'

/** A file of the user: a video, a picture, or an animated picture. */
export function openFile(file: Blob, name: string, options?: { loop?: boolean }): Promise<Source> {
  if (file.type.startsWith('video/')) return videoSource(name, file, options)
  if (file.type.startsWith('image/')) return pictureSource(name, file)
  return Promise.reject(new Error(`${name} is ${file.type || 'of an unknown type'}; the studio opens videos and pictures.`))
}
