import { defineConfig } from 'vitest/config';

/** Tests in which programs of Kubernetes run against kubemu; `scripts/test-upstream.mjs` builds those first. */
export default defineConfig({
  test: {
    include: ['test/upstream/**/*.upstream.ts'],
    // Each file keeps the machine busy by itself.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 1_200_000,
    env: { NODE_ENV: 'test' },
  },
});
