import type { House } from '../house.ts'
import type { Step } from './check.ts'

/** The inference processes of an inner house: what each runs on, and why not on something else. */
export function backendStep(house: () => House): Step {
  return {
    name: 'inference',
    needs: 'start',
    run: async () => {
      const ready = await house().ready
      const said = await Promise.all(ready.map(({ port }) => fetch(`http://127.0.0.1:${port}/healthz`).then((response) => response.json())))
      return said.map(describe).join('; ')
    },
  }
}

function describe(health: unknown): string {
  if (typeof health !== 'object' || health === null) return 'said nothing of itself'
  const providers: unknown = 'providers' in health ? health.providers : undefined
  const decoder = 'decoder' in health ? String(health.decoder) : 'unknown'
  if (typeof providers !== 'object' || providers === null) return `decoder ${decoder}`
  const used = 'used' in providers ? String(providers.used) : 'unknown'
  const refused = 'refused' in providers && Array.isArray(providers.refused) ? providers.refused : []
  return `runs on ${used}, decodes with ${decoder}${refused.length > 0 ? `, refused: ${JSON.stringify(refused)}` : ''}`
}
