import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Data } from '../rig.ts';
import { floodText } from './flood.ts';
import { stallAt } from './stalled.ts';

const child = fileURLToPath(new URL('readers-gateway.ts', import.meta.url));
const megabytes = 50;
const readers = 50;

describe(`a reader that is ${megabytes} MB behind`, () => {
  let sandbox: Sandbox;
  let gateway: ChildProcess;
  let url: string;
  /** Of a run that has ended. */
  let id: string;

  beforeAll(async () => {
    sandbox = await openSandbox({ pace: 0 });
    floodText(sandbox, megabytes);
    const execArgv = ['--experimental-strip-types', '--expose-gc'];
    gateway = fork(child, [sandbox.url, JSON.stringify(sandbox.apps)], { execArgv });
    [url] = (await once(gateway, 'message')) as [string];
    const query = 'mutation { chat(input: { query: "a", waitMs: 55000 }) { complete run { id } } }';
    const headers = { 'content-type': 'application/json' };
    const asked = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
    const { complete, run } = ((await asked.json()) as Data)['data'].chat;
    expect(complete).toBe(true);
    id = run.id as string;
  }, 60_000);

  afterAll(async () => {
    gateway?.kill();
    await sandbox?.close();
  });

  async function held(): Promise<number> {
    const answer = once(gateway, 'message');
    gateway.send('held');
    return ((await answer) as [number])[0];
  }

  /** What does not change any more: all that is on its way has come to where it waits. */
  async function settled(): Promise<number> {
    for (let before = await held(); ;) {
      await sleep(200); // What is freed elsewhere tells nobody.
      const now = await held();
      if (Math.abs(now - before) < 50_000) return now;
      before = now;
    }
  }

  test.each(Object.entries(stallAt))(
    'costs less than 256 KB of memory at %s',
    { timeout: 60_000 },
    async (_, stall) => {
      await using open = new AsyncDisposableStack();
      // What the first of them loads and compiles is not what a reader costs.
      open.use(await stall(url, id));
      const before = await settled();
      for (let one = 0; one < readers; one += 1) open.use(await stall(url, id));
      const each = async () => ((await settled()) - before) / readers;
      expect(await each()).toBeGreaterThan(0);
      // What else the process holds for a moment is not what a reader costs.
      await expect.poll(each, { timeout: 20_000 }).toBeLessThan(256 * 1_024);
    },
  );
});
