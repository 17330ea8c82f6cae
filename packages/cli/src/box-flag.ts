import { Box } from '@fovea/protocol'
import { InvalidArgumentError } from 'commander'

/** `--box 0.1,0.2,0.5,0.6`, given once for each `<box>` of a question. */
export function addBox(value: string, before: readonly Box[] = []): Box[] {
  const box = Box.safeParse(value.split(',').map(Number))
  if (!box.success) throw new InvalidArgumentError('a box is four numbers between 0 and 1: x0,y0,x1,y1 from the top left.')
  return [...before, box.data]
}
