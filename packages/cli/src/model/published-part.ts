import { HeadManifest, PublishedLayout } from '@fovea/protocol'
import { z } from 'zod'
import { inRepository } from '../repository.ts'
import { lastLine } from './node-process.ts'

const PublishedPart = z.object({ layout: PublishedLayout, head: HeadManifest, does: z.array(z.string()), lacks: z.array(z.string()) })
export type PublishedPart = z.infer<typeof PublishedPart>

/** The mask head that ONNX files of other publishers make, recognised by the serving code: by the names of what they take and give. */
export async function publishedPart(folder: string): Promise<PublishedPart> {
  return PublishedPart.parse(JSON.parse(await lastLine([inRepository('services/inference/src/published-part.ts'), folder])))
}
