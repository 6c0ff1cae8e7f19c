import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './serve.ts';

// A Redis that goes with the process that started this one, whatever becomes of that.
const program = process.env['REDIS_SERVER'] ?? 'redis-server';
let server: ChildProcess | undefined;
let folder = '';

process.on('exit', () => {
  server?.kill('SIGKILL');
  if (folder) rmSync(folder, { recursive: true, force: true });
});

serve({
  /** Where it listens on; null where there is none. */
  async listen(port: number): Promise<string | null> {
    if (spawnSync(program, ['--version']).status !== 0) return null;
    folder = mkdtempSync(join(tmpdir(), 'bench-redis-'));
    const kept = ['--appendonly', 'no', '--save', ''];
    server = spawn(program, ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...kept], {
      stdio: 'ignore',
    });
    while (!(await takes(port))) await sleep(20);
    return `redis://127.0.0.1:${port}`;
  },
});

async function takes(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
