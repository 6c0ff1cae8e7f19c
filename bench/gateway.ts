import { loadConfig } from '../src/config.ts';
import { createGateway } from '../src/gateway.ts';
import { serve } from './serve.ts';

// The product as it comes: one app, its log in memory, and nothing of this machine's configuration.
serve({
  async listen(upstream: string): Promise<string> {
    const env = { DIFY_API_KEY: 'app-bench', DIFY_BASE_URL: upstream, LOG_LEVEL: 'warn' };
    const config = loadConfig({ argv: ['--port', '0'], env, cwd: import.meta.dirname });
    const { url } = await createGateway(config);
    return url.replace('http', 'ws');
  },
});
