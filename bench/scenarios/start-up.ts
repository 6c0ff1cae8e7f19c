import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Child } from '../child.ts';
import { taskset } from '../cores.ts';
import { freePort } from '../../test/free-port.ts';
import type { First } from '../load.ts';
import { check } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

const source = new URL('../../src/main.ts', import.meta.url);
const built = new URL('../../dist/main.js', import.meta.url);

/** From the start of the process to its first text: mostly the loading of code. */
export const startUp: Scenario = {
  name: 'start-up',
  short: true,
  async *play(stage, size) {
    const rounds = size === 'full' ? 9 : 2;
    const values: Record<string, number[]> = { relay: [], gateway: [], ...(existsSync(built) ? { built: [] } : {}) };
    for (let round = 0; round < rounds; round += 1) {
      values['relay']?.push(await startRelay(stage));
      values['gateway']?.push(await startProduct(stage, source));
      values['built']?.push(await startProduct(stage, built));
    }
    yield {
      key: 'start-up',
      title: `start-up: from the start of the process to the first text of its first question; ${rounds} rounds`,
      rows: [{ key: 'ms', label: 'ms', values }],
      notes: existsSync(built) ? [] : ['dist/main.js SKIPPED: `npm run build` first'],
    };
  },
};

async function ask({ load }: Stage, url: string): Promise<void> {
  const { tally } = await load.call<First>('first', { url, questions: 1, script: { mode: 'first', events: 0 } });
  check('start-up', tally);
}

async function startRelay(stage: Stage): Promise<number> {
  const start = performance.now();
  const child = new Child(new URL('../relay.ts', import.meta.url), { cores: stage.cores?.measured ?? null });
  await ask(stage, await child.call<string>('listen', { upstream: stage.source }));
  const ms = performance.now() - start;
  await child.close();
  return ms;
}

async function startProduct(stage: Stage, file: URL): Promise<number> {
  const port = await freePort();
  const env = { DIFY_API_KEY: 'app-bench', DIFY_BASE_URL: stage.source, LOG_LEVEL: 'error', PORT: String(port) };
  const command = [process.execPath, fileURLToPath(file)];
  const pinned = stage.cores ? [taskset, '-c', stage.cores.measured, ...command] : command;
  const start = performance.now();
  const child = spawn(pinned[0] ?? '', pinned.slice(1), {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const exit = once(child, 'exit');
  // It says where it listens once it does.
  await Promise.race([
    once(child.stdout, 'data'),
    exit.then(() => {
      throw new Error(`${fileURLToPath(file)} ended by itself`);
    }),
  ]);
  await ask(stage, `http://127.0.0.1:${port}/graphql`);
  const ms = performance.now() - start;
  stop();
  await exit;
  process.off('exit', stop);
  return ms;
}
