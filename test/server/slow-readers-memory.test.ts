import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Data } from '../rig.ts';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { floodText } from './flood.ts';
import { stallAt } from './stalled.ts';

const child = fileURLToPath(new URL('readers-gateway.ts', import.meta.url));
const readers = 40;

test.each(Object.entries(stallAt))(
  'a reader that is 50 MB behind costs less than 256 KB of memory at %s',
  { timeout: 60_000 },
  async (_, stall) => {
    await using sandbox = await openSandbox({ pace: 0 });
    floodText(sandbox, 50);
    const execArgv = ['--experimental-strip-types', '--expose-gc'];
    const gateway = fork(child, [sandbox.url, JSON.stringify(sandbox.apps)], { execArgv });
    try {
      const [url] = (await once(gateway, 'message')) as [string];
      const held = async (): Promise<number> => {
        const answer = once(gateway, 'message');
        gateway.send('held');
        return ((await answer) as [number])[0];
      };
      const query = 'mutation { chat(input: { query: "a", waitMs: 55000 }) { complete run { id } } }';
      const headers = { 'content-type': 'application/json' };
      const asked = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
      const { complete, run } = ((await asked.json()) as Data)['data'].chat;
      expect(complete).toBe(true);
      // What the first of them loads and compiles is not what a reader costs.
      await using open = new AsyncDisposableStack();
      open.use(await stall(url, run.id as string));
      const before = await settled(held);
      for (let one = 0; one < readers; one += 1) open.use(await stall(url, run.id as string));
      const each = ((await settled(held)) - before) / readers;
      if (process.env['SHOW']) console.log(before, each);
      expect(each).toBeLessThan(256 * 1_024);
    } finally {
      gateway.kill();
    }
  },
);

/** What does not change any more: all that is on its way has come to where it waits. */
async function settled(held: () => Promise<number>): Promise<number> {
  for (let before = await held(); ;) {
    const now = await held();
    if (Math.abs(now - before) < 50_000) return now;
    before = now;
  }
}
