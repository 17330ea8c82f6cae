import { InvalidArgumentError } from 'commander'

type Head = 'region' | 'mask' | 'moment'

/** `--task region,mask` or `--task region --task mask`: the heads that a question is put to. */
export function addTasks(value: string, before: readonly Head[] = []): Head[] {
  const tasks = new Set(before)
  for (const name of value.split(',').map((part) => part.trim())) {
    if (name === 'region' || name === 'mask' || name === 'moment') tasks.add(name)
    else if (name === 'track') throw new InvalidArgumentError(`A question has no track. ${FOLLOWING}`)
    else throw new InvalidArgumentError('A task is region, mask or moment; several with commas between them.')
  }
  return [...tasks]
}

/** What can be looked for in every frame. */
export function watchTask(value: string): 'region' | 'mask' {
  if (value === 'region' || value === 'mask') return value
  if (value === 'moment')
    throw new InvalidArgumentError('A moment is found in what has been seen: `fovea ask VIDEO PHRASE --task moment`. Watching takes region or mask.')
  if (value === 'track')
    throw new InvalidArgumentError('Watching takes region or mask; one object is followed by session.follow() or a `follow` step of a workflow.')
  throw new InvalidArgumentError('Watching takes region or mask.')
}

const FOLLOWING =
  '`fovea watch VIDEO PHRASE` says in every frame where a thing is; session.follow() and a `follow` step of `fovea workflow run` keep one object apart from others.'
