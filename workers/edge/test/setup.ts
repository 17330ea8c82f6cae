import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll } from 'vitest'
import { seedKeys, stopAll } from './edge-client.ts'

beforeAll(async () => {
  await applyD1Migrations(env.DB, env.MIGRATIONS)
  await seedKeys()
})

afterEach(stopAll)
