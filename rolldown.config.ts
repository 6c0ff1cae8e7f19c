import { defineConfig } from 'rolldown';

/** The server in few files, with all that it needs: most of the time that it takes to start is finding and loading them. */
export default defineConfig({
  input: 'src/main.ts',
  platform: 'node',
  output: { dir: 'dist', chunkFileNames: 'main/[name].js', comments: { legal: true } },
  transform: { target: 'node22.19' },
  logLevel: 'warn',
});
