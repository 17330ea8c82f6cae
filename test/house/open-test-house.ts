import { openHouse } from '../../packages/cli/src/house.ts'
import type { House, HouseOptions } from '../../packages/cli/src/house.ts'
import { TEST_BUNDLE } from './bundle.ts'

/** The whole system for a test: real workerd, real inference; what the parts said is in the error when something fails to start. */
export async function openTestHouse(options: HouseOptions = {}): Promise<House> {
  const lines: string[] = []
  const house = await openHouse({ bundle: TEST_BUNDLE, studio: false, log: (part, line) => lines.push(`[${part}] ${line}`), ...options })
  try {
    await house.ready
    return house
  } catch (error) {
    await house.close()
    throw new Error(`The house did not start:\n${lines.slice(-20).join('\n')}`, { cause: error })
  }
}
