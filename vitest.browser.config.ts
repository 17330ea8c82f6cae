import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** Tests in a real browser: `npm run test:browser`, apart from `npm test` because a machine may have none. */
export const CHROMIUM =
  process.env.FOVEA_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))

if (!CHROMIUM) {
  console.log('Browser tests are not counted: no chromium found. Install it (apt install chromium), or name one in FOVEA_CHROMIUM.')
  process.exit(0)
}

export default defineConfig({
  test: {
    name: 'browser',
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    env: { FOVEA_CHROMIUM: CHROMIUM },
  },
})
