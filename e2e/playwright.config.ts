/** The stories run one after another on the built app: each has the machine, and so its leaks, to itself. */
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  testMatch: process.env['SLIPWAY_SHOW'] ? ['stories/*.story.ts', 'screens/*.story.ts'] : 'stories/*.story.ts',
  outputDir: '../test-results/window',
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json']],
});
