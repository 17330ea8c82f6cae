import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { FAMILIES, familyNamed, sizeFor } from '../model/families.ts'
import type { Family } from '../model/families.ts'
import { importFamily } from '../model/import.ts'
import { runTrainer } from '../model/trainer-process.ts'
import { Progress } from '../progress.ts'

type ImportFlags = { from?: string; out?: string; precision: string; size?: string; stateWidth: string }

/** `fovea model import`. */
export function importCommand(model: Command): void {
  model
    .command('import')
    .description(`published weights to what is served: ${FAMILIES.map(({ name }) => name).join(', ')}`)
    .argument('<family>', 'which of them', readFamily)
    .option('--from <where>', 'needed; hub: download (goes on where it stopped, hashes compared); or the folder they lie in (sam-onnx: a folder)')
    .option('--out <folder>', 'where the result goes; default ./FAMILY')
    .option('--precision <precision>', 'of a language model: fp32, fp16, int8, int4', 'int8')
    .option('--size <size>', 'llava-onevision: 0.5b or 7b; mask heads: pixels of a side, 1024 or 512')
    .option('--state-width <d>', 'mask heads: width of the language model they will be composed with', '896')
    .action(run)
}

async function run(family: Family, { from, out = family.name, precision, size, stateWidth }: ImportFlags): Promise<void> {
  const { name } = family
  // Not a required option: commander would ask for it before it says that there is no such family.
  if (from === undefined)
    throw new Error(
      `model import ${name} needs --from: ${family.published ? 'hub, to download it, or the' : 'the'} folder that holds its weights (${family.wants}).`,
    )
  const progress = new Progress(`Importing ${name}`)
  const made = await importFamily({
    family: name,
    from,
    out,
    choices: { precision, size: sizeFor(family, size), stateWidth },
    onProgress: (detail) => progress.update(detail),
    run: (args) => runTrainer(args),
  }).finally(() => progress.done())
  process.stdout.write(`${out}: ${made} (${family.licence})\n`)
}

function readFamily(name: string): Family {
  try {
    return familyNamed(name)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}
