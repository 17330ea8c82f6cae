import type { BundleManifest, InputRole, OutputRole } from '@fovea/protocol'
import { BundleError } from './bundle-error.ts'
import { kvRoles } from './kv-slots.ts'
import { namedGraphs } from './named-graphs.ts'

type Needs = { takes: readonly InputRole[]; gives: readonly OutputRole[] }

/** What the runtime cannot do without, graph by graph; a graph may take and give more. One that is not listed is its head's own affair. */
function needsOf({ vision, language }: BundleManifest): Readonly<Record<string, Needs>> {
  const cache = kvRoles(language.kv)
  return {
    vision: { takes: [vision.unit === 'frame' ? 'pixels.frame' : 'pixels.clip'], gives: ['visual'] },
    prefix: { takes: ['visual'], gives: ['embeds'] },
    embed: { takes: ['ids'], gives: ['embeds'] },
    box: { takes: ['boxes'], gives: ['embeds'] },
    decoder: { takes: ['embeds', 'lengths', ...cache], gives: ['logits', 'hidden', ...cache] },
    'region.main': { takes: ['state'], gives: ['boxes', 'scores', 'object'] },
    'moment.main': { takes: ['state'], gives: ['spans', 'scores', 'saliency', 'object'] },
    'mask.prompt.state': { takes: ['state'], gives: ['prompt'] },
    'mask.prompt.boxes': { takes: ['boxes'], gives: ['prompt'] },
    'mask.prompt.points': { takes: ['points'], gives: ['prompt'] },
    'mask.prompt.mask': { takes: ['mask'], gives: ['prompt'] },
    'mask.encode': { takes: ['pixels.frame'], gives: [] },
    'mask.drawn': { takes: ['mask'], gives: ['mask', 'iou', 'object'] },
    // Objects of one batch may have been pointed out by prompts of different lengths: what is fed in their place comes from here.
    'mask.attend': { takes: ['memory.tokens', 'memory.valid'], gives: ['attended', 'prompt'] },
    'mask.decode': { takes: ['prompt'], gives: ['mask', 'iou', 'object'] },
    'mask.memory': { takes: ['mask'], gives: ['memory.tokens'] },
  }
}

/** Refuses a manifest whose graphs, by its own words, do not take or give what the runtime feeds and reads. */
export function checkRoles(manifest: BundleManifest): void {
  const needs = needsOf(manifest)
  for (const [name, { file, inputs, outputs }] of namedGraphs(manifest)) {
    const { takes, gives } = needs[name] ?? { takes: [], gives: [] }
    const [taken, given] = [Object.values(inputs), Object.values(outputs)]
    const missing = [
      ...takes.filter((role) => !taken.includes(role)).map((role) => `take ${role}`),
      ...gives.filter((role) => !given.includes(role)).map((role) => `give ${role}`),
    ]
    if (missing.length === 0) continue
    const told = `it takes ${named(taken)} and gives ${named(given)}`
    throw new BundleError(file, `graph ${name} must ${missing.join(' and ')}; by the manifest ${told}. Export the bundle again.`)
  }
  if (manifest.graphs.box && manifest.language.boxToken === undefined)
    throw new BundleError('manifest.json', 'there is a graph box and no language.boxToken, whose place in a question its vectors would take.')
}

/** The roles in a row of the manifest, those of the cache counted. */
function named(roles: readonly string[]): string {
  const cache = roles.filter((role) => role.startsWith('kv.')).length
  return [...roles.filter((role) => !role.startsWith('kv.')), ...(cache > 0 ? [`${cache} of the cache`] : [])].join(', ') || 'nothing'
}
