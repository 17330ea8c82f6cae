import { defineConfig } from 'vitest/config'

/** Three floors of tests: plain Node, real workerd (workers/edge/vitest.config.ts), the whole system. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'packages/*/test/**/*.test.ts',
            'workers/studio/src/**/*.test.ts',
            'services/inference/{src,test}/**/*.test.ts',
            'test/*.test.ts',
            'test/bench/*.test.ts',
            'examples/**/*.test.ts',
          ],
          testTimeout: 60_000,
        },
      },
      'workers/edge/vitest.config.ts',
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          retry: process.env.CI ? 1 : 0,
        },
      },
    ],
  },
})
