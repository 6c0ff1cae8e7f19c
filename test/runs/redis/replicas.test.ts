import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameOf } from '../../../src/runs/redis/names.ts';
import type { KeptRun } from '../../../src/runs/run-log.ts';
import { hasRedis, openRedis, type TestRedis } from '../../redis.ts';
import { next as nextOf, read, readToEnd } from '../reading.ts';
import { begin, newHeader, RunWriter } from '../run-writer.ts';
import { replicas, type Replica } from './replicas.ts';

/** The next events of a run that another writer began. */
function goOn(replica: Replica, run: KeptRun, before: RunWriter): RunWriter {
  const writer = new RunWriter(replica.log, run.state.header);
  writer.events.push(...before.events);
  writer.told.push(...before.told.slice(1));
  return writer;
}

/** Waits until something holds, by asking again: what is waited for happens in other processes. */
async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await sleep(5);
}

describe.skipIf(!hasRedis())('replicas with one Redis', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await openRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** The run as another replica takes it over, whose lease never gets through to Redis any more. */
  async function takenFrom(writer: RunWriter, other: Replica): Promise<KeptRun> {
    const leases = (await server.client.keys('*leases')).filter((key) => key.startsWith(other.redis.prefix));
    let taken: KeptRun | undefined;
    void other.taken().then((run) => (taken = run));
    await until(async () => {
      for (const key of leases) await server.client.zadd(key, 1, nameOf(writer.header));
      return taken;
    });
    return taken!;
  }

  test('follow what one of them writes, from any point, while it is written', async () => {
    const open = replicas(server);
    await using here = await open();
    await using there = await open();
    const { writer } = await begin(here.log);
    await writer.write({ say: 'a' }, { say: 'b' });
    const run = (await there.log.find(writer.header))!;
    const [all, rest] = [readToEnd(run.read(0)), readToEnd(run.read(1))];
    for (let i = 0; i < 50; i += 1) await writer.write({ say: `${i} ` }, { think: '.' });
    await writer.write({ end: 'SUCCEEDED' });
    expect(await all).toEqual(writer.events);
    expect(await rest).toEqual(writer.events.slice(1));
  });

  test('have two connections each, however many readers', async () => {
    const open = replicas(server);
    const connections = async () => ((await server.client.call('CLIENT', 'LIST')) as string).trim().split('\n').length;
    await using here = await open();
    await using there = await open();
    const begun = await Promise.all(Array.from({ length: 20 }, () => begin(here.log)));
    const found = await Promise.all(begun.map(({ writer }) => there.log.find(writer.header)));
    const readers = found.flatMap((run) => Array.from({ length: 10 }, () => readToEnd(run!.read(0))));
    for (const { writer } of begun) await writer.write({ say: 'a' });
    // One more is the test's own.
    await expect.poll(connections).toBe(5);
    for (const { writer } of begun) await writer.write({ end: 'SUCCEEDED' });
    expect(await Promise.all(readers)).toHaveLength(200);
  });

  test('claim a name once among them all', async () => {
    const open = replicas(server);
    await using one = await open();
    await using two = await open();
    await using three = await open();
    const header = newHeader();
    const claims = await Promise.all([one, two, three, one, two, three].map(({ log }) => log.claim(header)));
    expect(claims.filter(({ first }) => first)).toHaveLength(1);
  });

  test('write on what they have claimed, whoever looks for it at that moment', async () => {
    const open = replicas(server);
    await using here = await open();
    for (let i = 0; i < 20; i += 1) {
      const writer = new RunWriter(here.log);
      const claiming = here.log.claim(writer.header);
      const looking = here.log.find(writer.header);
      const { run } = await claiming;
      const reading = readToEnd(run.read(0));
      await writer.write({ say: 'a' }, { say: 'b' });
      const found = readToEnd((await looking)!.read(0));
      await writer.write({ say: 'c' });
      await writer.write({ end: 'SUCCEEDED' });
      expect(await reading).toEqual(writer.events);
      expect(await found).toEqual(writer.events);
    }
  });

  test('take over the runs of one that dies, each exactly once, and go on where it was', async () => {
    const open = replicas(server);
    await using dying = await open();
    const others = [await open(), await open()];
    const begun = await Promise.all(Array.from({ length: 10 }, () => begin(dying.log)));
    for (const { writer } of begun) await writer.write({ say: 'so far' });
    const watched = (await others[0]!.log.find(begun[0]!.writer.header))!;
    const reading = readToEnd(watched.read(0));
    await Promise.all(begun.map(({ writer }) => dying.log.flushed(writer.header)));
    await dying.die();
    const taken: [Replica, KeptRun][] = [];
    for (const other of others)
      void (async () => {
        for (;;) taken.push([other, await other.taken()]);
      })();
    await until(() => taken.length === 10);
    await sleep(600); // Longer than a lease: a run that is taken twice would show now.
    expect(new Set(taken.map(([, { state }]) => state.header.id)).size).toBe(10);
    expect(taken).toHaveLength(10);
    for (const [other, run] of taken) {
      const before = begun.find(({ writer }) => writer.header.id === run.state.header.id)!.writer;
      expect(run.state).toMatchObject({ text: 'so far', status: 'RUNNING', lastSeq: 1 });
      await goOn(other, run, before).write({ say: ', and on' }, { end: 'SUCCEEDED' });
    }
    expect((await reading).map(({ type }) => type)).toEqual(['TextDelta', 'TextDelta', 'RunFinished']);
    expect(watched.state.text).toBe('so far, and on');
    for (const other of others) await other[Symbol.asyncDispose]();
  });

  test('take nothing from a writer that has lost its run, and show its readers what really happened', async () => {
    const open = replicas(server);
    await using frozen = await open();
    await using other = await open();
    const { run, writer } = await begin(frozen.log);
    await writer.write({ say: 'both' });
    await frozen.log.flushed(writer.header);
    const reader = run.read(0);
    await read(reader, 1);
    const taken = await takenFrom(writer, other);
    const next = goOn(other, taken, writer);
    await next.write({ say: ' know' });
    await other.log.flushed(writer.header);
    await writer.write({ say: ' nobody else saw this' });
    expect(await nextOf(reader)).toEqual(writer.events.slice(1));
    await until(() => frozen.told.includes(`lost ${writer.header.id}`));
    expect(await nextOf(reader)).toBe('gap');
    await frozen.log.append(writer.header, writer.next({ end: 'FAILED' }));
    await next.write({ say: ' this' }, { end: 'SUCCEEDED' });
    await run.ended;
    expect(run.state).toMatchObject({ text: 'both know this', status: 'SUCCEEDED' });
    expect(await readToEnd(run.read(0))).toEqual(next.events);
    expect(await readToEnd((await other.log.find(writer.header))!.read(0))).toEqual(next.events);
  });

  test('forget an end that a writer has seen alone', async () => {
    const open = replicas(server);
    await using frozen = await open();
    await using other = await open();
    const { writer } = await begin(frozen.log);
    await writer.write({ say: 'both' });
    await frozen.log.flushed(writer.header);
    const taken = await takenFrom(writer, other);
    const next = goOn(other, taken, writer);
    await frozen.log.append(writer.header, writer.next({ end: 'FAILED' }));
    await until(() => frozen.told.includes(`lost ${writer.header.id}`));
    await next.write({ say: ' know this' }, { end: 'SUCCEEDED' });
    await other.log.flushed(writer.header);
    expect(await readToEnd((await frozen.log.find(writer.header))!.read(0))).toEqual(next.events);
  });

  test('hand a run over at once, without waiting for a lease to end', async () => {
    const open = replicas(server, { leaseMs: 60_000 });
    await using leaving = await open();
    await using other = await open();
    const { writer } = await begin(leaving.log);
    await writer.write({ say: 'a' });
    leaving.log.retire();
    expect(await leaving.log.handOver(writer.header)).toBe(true);
    const taken = await other.taken();
    await goOn(other, taken, writer).write({ say: 'b' }, { end: 'SUCCEEDED' });
    await until(async () => (await leaving.log.find(writer.header))?.state.text === 'ab');
    expect(await leaving.log.handOver(writer.header)).toBe(false);
    expect(leaving.told).toEqual([]);
  });

  test('tell the writer of a stop, and of a form that was answered, wherever that was', async () => {
    const open = replicas(server);
    await using here = await open();
    await using there = await open();
    const { run, writer } = await begin(here.log);
    await there.log.markStopping(writer.header);
    there.log.noteAnswered(writer.header);
    const { id } = writer.header;
    await until(() => here.told.includes(`stop ${id}`) && here.told.includes(`answered ${id}`));
    expect(there.told).toEqual([]);
    expect(run.state.status).toBe('STOPPING');
    expect((await there.log.find(writer.header))?.state.status).toBe('STOPPING');
    await using late = await open();
    expect((await late.log.find(writer.header))?.state.status).toBe('STOPPING');
  });

  test('tell of a stop that was asked for while nobody wrote the run', async () => {
    const open = replicas(server);
    await using dying = await open();
    const { writer } = await begin(dying.log);
    await dying.die();
    await using other = await open();
    await other.log.markStopping(writer.header);
    const taken = await other.taken();
    await until(() => other.told.includes(`stop ${writer.header.id}`));
    expect(taken.state.status).toBe('STOPPING');
  });

  test('count the watchers of all', async () => {
    const open = replicas(server);
    await using here = await open();
    await using there = await open();
    const { run, writer } = await begin(here.log);
    const other = (await there.log.find(writer.header))!;
    const readers = [run.read(0), other.read(0), other.read(0)] as const;
    await until(() => run.watchers === 3 && other.watchers === 3);
    readers[1].close();
    readers[2].close();
    await until(() => run.watchers === 1);
    readers[0].close();
    await until(() => run.watchers === 0 && other.watchers === 0);
  });

  test('hear of a viewer’s new runs, their conversations and ends, and of nobody else’s', async () => {
    const open = replicas(server);
    await using here = await open();
    await using there = await open();
    const calls = { ann: 0, bob: 0 };
    there.log.onChange('ann', () => (calls.ann += 1));
    there.log.onChange('bob', () => (calls.bob += 1));
    // Both are called once when they can hear.
    await until(() => calls.ann === 1 && calls.bob === 1);
    const { writer } = await begin(here.log);
    await until(() => calls.ann === 2);
    await writer.write({ say: 'not a change' });
    await writer.write({ end: 'SUCCEEDED' });
    await until(() => calls.ann === 3);
    expect(calls.bob).toBe(1);
  });

  test('end the reading of a run that the store has lost and nobody can put back', async () => {
    const open = replicas(server);
    await using dying = await open();
    await using other = await open();
    const { writer } = await begin(dying.log);
    await writer.write({ say: 'a' });
    await dying.log.flushed(writer.header);
    const run = (await other.log.find(writer.header))!;
    const reading = readToEnd(run.read(0));
    await read(run.read(0), 1);
    await dying.die();
    for (const key of await server.client.keys('*run:*'))
      if (key.includes(writer.header.id)) await server.client.del(key);
    const events = await reading;
    expect(events.at(-1)).toMatchObject({
      type: 'RunFinished',
      status: 'UNKNOWN',
      error: { code: 'STREAM_INTERRUPTED' },
    });
    expect(await other.log.find(writer.header)).toBeUndefined();
  });

  test('put back a run that was evicted while it was written', async () => {
    const open = replicas(server);
    await using here = await open();
    await using there = await open();
    const { writer } = await begin(here.log);
    await writer.write({ say: 'a' }, { think: 'b' });
    await here.log.flushed(writer.header);
    for (const key of await server.client.keys('*run:*'))
      if (key.includes(writer.header.id)) await server.client.del(key);
    await writer.write({ say: 'c' });
    await here.log.flushed(writer.header);
    const run = (await there.log.find(writer.header))!;
    const reading = readToEnd(run.read(0));
    await writer.write({ end: 'SUCCEEDED' });
    expect(await reading).toEqual(writer.events);
  });

  test('write again what a fail-over has lost', async () => {
    const open = replicas(server);
    await using here = await open();
    await using there = await open();
    const { writer } = await begin(here.log);
    await writer.write({ say: 'a' });
    await here.log.flushed(writer.header);
    const key = (await server.client.keys('*run:*')).find((one) => one.includes(writer.header.id))!;
    const behind = await server.client.dumpBuffer(key);
    const run = (await there.log.find(writer.header))!;
    const reading = readToEnd(run.read(0));
    await writer.write({ say: 'b' });
    await writer.write({ say: 'c' });
    await here.log.flushed(writer.header);
    await until(() => run.state.text === 'abc');
    await server.client.restore(key, 0, behind, 'REPLACE');
    await writer.write({ say: 'd' });
    await writer.write({ end: 'SUCCEEDED' });
    await here.log.flushed(writer.header);
    expect(await reading).toEqual(writer.events);
    await using late = await open();
    expect(await readToEnd((await late.log.find(writer.header))!.read(0))).toEqual(writer.events);
  });
});
