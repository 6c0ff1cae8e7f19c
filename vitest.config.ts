import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Vite would load graphql's development build beside the one that Node loads for our dependencies:
    // two copies, and `instanceof GraphQLError` is silently false between them.
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/seed.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Patient with a busy machine, and soon done on an idle one.
    expect: { poll: { interval: 10, timeout: 5_000 } },
    pool: 'forks',
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
});
