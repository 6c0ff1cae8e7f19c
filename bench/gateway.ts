import type { Config } from '../src/config.ts';
import { createGateway } from '../src/gateway.ts';
import { serve } from './serve.ts';

function config(baseUrl: string): Config {
  const timeouts = { connectMs: 10_000, headersMs: 60_000, idleMs: 35_000, runMs: 1_500_000 };
  return {
    server: { host: '127.0.0.1', port: 0, graphiql: false, logLevel: 'warn', drainMs: 0 },
    apps: [{ name: 'bench', description: undefined, baseUrl, key: 'app-bench', timeouts }],
    defaultApp: 'bench',
    runs: { keepMinutes: 60, keepMegabytes: 256, keepCount: 10_000 },
    sandbox: { pace: 1 },
    file: undefined,
  };
}

// The product as it is, with the defaults of its configuration.
serve({
  async listen(upstream: string): Promise<string> {
    const { url } = await createGateway(config(upstream));
    return url.replace('http', 'ws');
  },
});
