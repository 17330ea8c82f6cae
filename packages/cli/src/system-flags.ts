import type { Command } from 'commander'

/** The flags of SystemOptions, the same on every command that needs a system. */
export function withSystemOptions(command: Command): Command {
  return command
    .option('--url <url>', 'a running system (or FOVEA_URL); without it one is started inside')
    .option('--key <key>', 'its API key (or FOVEA_KEY); for a local system the key of .fovea is used')
    .option('--bundle <dir>', 'model bundle of the inner system')
    .option('--providers <list>', 'execution providers of the inner system, such as cuda,cpu')
    .option('--verbose', 'what the parts of the inner system say, on stderr')
}
