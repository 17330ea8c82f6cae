import type { MaskHead } from '@fovea/protocol'
import { BundleError } from '../model/bundle-error.ts'
import type { Graph } from '../model/graph.ts'
import { placePrompts } from '../model/published/prompts.ts'

export type MaskGraphs = { [Name in keyof MaskHead['graphs']]: Graph }

/** The graphs of a mask head, loaded. A published decoder reads boxes and points itself, so the graphs that hand them on are not files. */
export function maskGraphs({ graphs, phrases }: MaskHead, graphOf: (part: string) => Graph | undefined): MaskGraphs {
  const decode = graphOf('decode')
  if (!decode) throw new BundleError('manifest.json', 'the mask head has no graph decode.')
  const state = graphOf('prompt.state')
  if (!state && phrases !== false)
    throw new BundleError('manifest.json', 'the mask head has no graph prompt.state, which takes phrases; say "phrases": false where it takes none.')
  return {
    encode: graphOf('encode'),
    'prompt.state': state,
    'prompt.boxes': graphOf('prompt.boxes'),
    'prompt.points': graphOf('prompt.points'),
    'prompt.mask': graphOf('prompt.mask'),
    drawn: graphOf('drawn'),
    attend: graphOf('attend'),
    decode,
    memory: graphOf('memory'),
    ...(graphs.decode.published ? placePrompts(graphs.decode.file) : {}),
  }
}
