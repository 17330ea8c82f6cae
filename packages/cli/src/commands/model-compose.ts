import { rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { compose } from '../model/compose.ts'
import { inspectBundle } from '../model/inspect-process.ts'

type ComposeOptions = { backbone: string; region?: string; mask?: string; moment?: string; name?: string; check: boolean }

/** `fovea model compose`. */
export function composeCommand(model: Command): void {
  model
    .command('compose')
    .description('a bundle out of parts: the backbone of one, heads of others')
    .argument('<out>', 'folder of the new bundle')
    .requiredOption('--backbone <bundle>', 'encoder, language model and, where no other is given, heads')
    .option('--region <folder>', 'region head: a bundle')
    .option('--mask <folder>', 'mask head: a bundle, what fovea-train export-sam wrote, or ONNX files of SAM 2 or EdgeTAM as others publish them')
    .option('--moment <folder>', 'moment head: a bundle')
    .option('--name <name>', 'of the new bundle')
    .option('--no-check', 'do not load it to see whether its parts fit')
    .action(run)
}

async function run(out: string, { backbone, region, mask, moment, name, check }: ComposeOptions): Promise<void> {
  const heads = { ...(region && { region }), ...(mask && { mask }), ...(moment && { moment }) }
  const { manifest, warnings } = await compose(out, { backbone, heads, ...(name && { name }) })
  if (check) {
    const misfits = await inspectBundle(out, { load: true, slots: 1 })
      .then((found) => found.misfits)
      .catch((error: unknown) => [error instanceof Error ? error.message : String(error)])
    if (misfits.length > 0) {
      await rm(out, { recursive: true, force: true })
      throw new Error(`These parts do not make a bundle: ${misfits.join(' ')}`)
    }
  }
  process.stdout.write(
    `${out}: ${manifest.name} ${manifest.version} (${manifest.licence}), heads ${manifest.heads.map(({ task }) => task).join(', ')}${check ? '; loaded, every head ran' : ''}\n`,
  )
  for (const warning of warnings) process.stderr.write(`${warning}\n`)
}
