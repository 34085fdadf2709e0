import { defineConfig } from 'vitest/config';

/** `unit` needs Node alone; `system` needs a build and the tools that CONTRIBUTING.md lists. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'constructs/**/*.test.ts', 'operator/**/*.test.ts', 'test/unit/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**', '**/node_modules/**'],
          testTimeout: 300_000,
          hookTimeout: 900_000,
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
});
