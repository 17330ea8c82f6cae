import { InvalidArgumentError } from 'commander'

type Range = { above?: number; atLeast?: number; atMost?: number; whole?: boolean }

/** Reads a number of the command line, and says which numbers it may be where it is none of them. */
export function numberFlag(range: Range): (text: string) => number {
  const { above = -Infinity, atLeast = -Infinity, atMost = Infinity, whole = false } = range
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isFinite(value) && value > above && value >= atLeast && value <= atMost && (!whole || Number.isInteger(value))) return value
    throw new InvalidArgumentError(`${wanted(range)} is expected.`)
  }
}

function wanted({ above, atLeast, atMost, whole }: Range): string {
  const kind = whole ? 'A whole number' : 'A number'
  if (above !== undefined) return `${kind} above ${above}`
  if (atLeast !== undefined && atMost !== undefined) return `${kind} from ${atLeast} to ${atMost}`
  return atLeast === undefined ? kind : `${kind} of ${atLeast} or more`
}
