import { loadConfig } from '../src/config.ts';
import { createGateway } from '../src/gateway.ts';
import { serve } from './serve.ts';

// The product as it comes: one app, its log in memory, and nothing of this machine's configuration. Only that nobody asks so often as this.
serve({
  async listen(upstream: string): Promise<string> {
    const env = { DIFY_API_KEY: 'app-bench', DIFY_BASE_URL: upstream, LOG_LEVEL: 'warn' };
    const config = loadConfig({ argv: ['--port', '0'], env, cwd: import.meta.dirname });
    const user = { ...config.limits.user, operationsPerMinute: 0, runsPerMinute: 0 };
    const address = { ...config.limits.address, operationsPerMinute: 0 };
    const { url } = await createGateway({ ...config, limits: { ...config.limits, user, address } });
    return url.replace('http', 'ws');
  },
});
