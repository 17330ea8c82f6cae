import { Command } from 'commander'
import { askCommand } from './commands/ask.ts'
import { doctorCommand } from './commands/doctor.ts'
import { modelCommand } from './commands/model.ts'
import { upCommand } from './commands/up.ts'
import { watchCommand } from './commands/watch.ts'
import { workflowCommand } from './commands/workflow.ts'

/** The fovea command. Where the command line cannot be understood it throws commander's error, which has been told by then. */
export function program(): Command {
  const root = new Command('fovea').description('Eyes that point, for agents: live video in, words and measurements out.').version('0.1.0').exitOverride()
  for (const add of [upCommand, askCommand, watchCommand, workflowCommand, modelCommand, doctorCommand]) add(root)
  return root
}

/** Runs a command line. */
export async function runProgram(args: readonly string[], root = program()): Promise<void> {
  const { command, rest } = deepest(root, args)
  const isGroup = command.commands.length > 0
  if (isGroup && rest.length === 0) return command.outputHelp()
  // Commander would answer `fovea tracks --help` with the general help, as if there were such a command.
  const [first = '-'] = rest
  const isUnknown = isGroup && !first.startsWith('-') && first !== 'help'
  await root.parseAsync(isUnknown ? args.slice(0, args.length - rest.length + 1) : args, { from: 'user' })
}

/** The command that the first words name, and what comes after them. */
function deepest(command: Command, args: readonly string[]): { command: Command; rest: readonly string[] } {
  const next = command.commands.find((one) => one.name() === args[0])
  return next ? deepest(next, args.slice(1)) : { command, rest: args }
}
