import { Command } from 'commander'
import { askCommand } from './commands/ask.ts'
import { doctorCommand } from './commands/doctor.ts'
import { modelCommand } from './commands/model.ts'
import { upCommand } from './commands/up.ts'
import { watchCommand } from './commands/watch.ts'
import { workflowCommand } from './commands/workflow.ts'

/** The fovea command. */
export function program(): Command {
  const root = new Command('fovea').description('Eyes that point, for agents: live video in, words and measurements out.').version('0.1.0')
  for (const add of [upCommand, askCommand, watchCommand, workflowCommand, modelCommand, doctorCommand]) add(root)
  return root
}
