import { defineConfig } from 'vitest/config';

/** Time limits end what hangs; a machine that is busy with other things as well must not reach them. */
const MINUTE_MS = 60_000;

/** `unit` needs Node alone; `system` needs a build and the tools that CONTRIBUTING.md lists. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'constructs/**/*.test.ts', 'operator/**/*.test.ts', 'test/unit/**/*.test.ts'],
          testTimeout: 10 * MINUTE_MS,
          hookTimeout: 10 * MINUTE_MS,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**', '**/node_modules/**'],
          testTimeout: 60 * MINUTE_MS,
          hookTimeout: 60 * MINUTE_MS,
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
});
