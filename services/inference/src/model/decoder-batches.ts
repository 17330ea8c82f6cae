/** How many idle slots between two rows are cheaper to run along than a run of their own. */
const GAP = 1

export type BatchRules = {
  /** false: each row runs alone */
  together: boolean
  /** whether a slot that takes no part may be written to behind its end */
  mayIdle: (slot: number) => boolean
}

/** The slots of one feed as decoder runs: each a range of neighbours, lowest first. Slots in between take part and are not listened to. */
export function batchesOf(slots: readonly number[], { together, mayIdle }: BatchRules): number[][] {
  const batches: number[][] = []
  for (const slot of slots.toSorted((a, b) => a - b)) {
    const batch = batches.at(-1)
    const last = batch?.at(-1)
    if (batch && last !== undefined && together && slot - last <= GAP + 1 && (slot - last === 1 || mayIdle(slot - 1))) batch.push(slot)
    else batches.push([slot])
  }
  return batches
}
