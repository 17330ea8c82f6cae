import { defineConfig } from 'drizzle-kit'

/**
 * Migrations are generated, one folder a database:
 *   DATABASE=session npx drizzle-kit generate --config workers/edge/drizzle.config.ts --name what-changed
 * The catalogue is D1 and migrated with `wrangler d1 migrations apply`; session and pool migrate themselves when their objects wake.
 */
const database = process.env['DATABASE'] ?? 'session'
const store = './workers/edge/src/store'

export default defineConfig({
  dialect: 'sqlite',
  schema: `${store}/${database}-tables.ts`,
  out: `${store}/migrations/${database}`,
  ...(database === 'catalogue' ? {} : { driver: 'durable-sqlite' as const }),
})
