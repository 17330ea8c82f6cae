import { fileURLToPath } from 'node:url'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The edge in real workerd: Durable Objects, SQLite, hibernating sockets, D1. */
export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      main: here('./src/index.ts'),
      miniflare: {
        compatibilityDate: '2026-07-28',
        compatibilityFlags: ['nodejs_compat'],
        modulesRules: [{ type: 'Text', include: ['**/*.sql'] }],
        durableObjects: { SESSION: { className: 'SessionObject', useSQLite: true }, POOL: { className: 'PoolObject', useSQLite: true } },
        d1Databases: ['DB'],
        serviceBindings: { ASSETS: () => new Response('<!doctype html><title>studio</title>', { headers: { 'content-type': 'text/html' } }) },
        bindings: {
          TICKET_SECRET: 'a secret of thirty-two characters or more',
          STUDIO: 'on',
          ALLOWED_ORIGINS: 'https://app.example',
          MIGRATIONS: await readD1Migrations(here('./src/store/migrations/catalogue')),
        },
      },
    }),
  ],
  test: { name: 'workerd', setupFiles: [here('./test/setup.ts')], include: ['src/**/*.test.ts', 'test/**/*.test.ts'], root: here('.'), testTimeout: 20_000 },
}))
