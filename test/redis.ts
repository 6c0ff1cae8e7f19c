import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Connection } from 'ioredis';
import { freePort } from './free-port.ts';

/** Which server is tested with: Redis, or one that speaks like it. */
const program = process.env['REDIS_SERVER'] ?? 'redis-server';
const isHere = spawnSync(program, ['--version']).status === 0;

/** False, and loudly so, where there is no Redis; where one has to be, that is a failure. */
export function hasRedis(): boolean {
  if (isHere) return true;
  const message = `${program} is not installed: tests that need it are SKIPPED. Debian: apt-get install redis-server`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`\n${message}\n\n`);
  return false;
}

/** A Redis of a test's own. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  /** A connection for looking, and for breaking things. */
  readonly client: Connection;
  /** As `kill -9` does it; with `persist` it comes back with what it had written. */
  kill(): Promise<void>;
  start(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

/** `persist`: every command is on the disk before it is answered. */
export async function openRedis({ persist = false }: { readonly persist?: boolean } = {}): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const kept = persist ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...kept];
  const client = new Connection(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 50 });
  client.on('error', () => {});
  let server: ChildProcess;
  async function start(): Promise<void> {
    server = spawn(program, args, { stdio: 'ignore' });
    while ((await client.ping().catch(() => '')) !== 'PONG') await sleep(10); // It says nothing when it is ready.
  }
  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  }
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    client,
    kill,
    start,
    signal: (signal) => void server.kill(signal),
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
