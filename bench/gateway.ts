import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../src/config.ts';
import { createGateway } from '../src/gateway.ts';
import { serve } from './serve.ts';

/** What is not as it comes. */
export interface GatewaySetting {
  readonly upstream: string;
  readonly redis?: { readonly url: string; readonly durability: 'relaxed' | 'strict' };
  readonly runs?: { readonly keepMegabytes?: number; readonly keepCount?: number; readonly abandonMs?: number };
}

// The product as it comes: one app, its log in memory, and nothing of this machine's configuration. Only that nobody asks so often as this.
serve({
  async listen({ upstream, redis, runs = {} }: GatewaySetting): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    // JSON is YAML.
    writeFileSync(join(folder, 'dify-graphql.yaml'), JSON.stringify({ runs, ...(redis ? { redis } : {}) }));
    const env = { DIFY_API_KEY: 'app-bench', DIFY_BASE_URL: upstream, LOG_LEVEL: 'error' };
    const config = loadConfig({ argv: ['--port', '0'], env, cwd: folder });
    rmSync(folder, { recursive: true });
    const user = { ...config.limits.user, operationsPerMinute: 0, runsPerMinute: 0, runsAtOnce: 0, connections: 0 };
    const address = { ...config.limits.address, operationsPerMinute: 0, connections: 0 };
    const socket = { ...config.limits.socket, messagesPerSecond: 1_000_000 };
    const limits = { ...config.limits, connections: 100_000, user, address, socket };
    const { url } = await createGateway({ ...config, limits });
    return url;
  },
});
