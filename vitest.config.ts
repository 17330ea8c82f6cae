import { defineConfig } from 'vitest/config'

/** Three floors of tests: plain Node, real workerd (workers/edge/vitest.config.ts), the whole system. */
export default defineConfig({
  test: {
    // In tests workerd imports the Worker anew for every event of a Durable Object. Where the last socket of a file closes as the file ends,
    // that import finds its test gone: nothing of ours has failed.
    onUnhandledError: ({ name, message }) => (name === 'EnvironmentTeardownError' && message.includes('"resolve" was pending') ? false : undefined),
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
