import { defineConfig } from 'vitest/config';

/** Tests that drive client libraries; some need toolchains beside Node. */
export default defineConfig({
  test: {
    include: ['test/clients/**/*.clients.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    env: { NODE_ENV: 'test' },
  },
});
