import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { hasRedis, openRedis } from '../../redis.ts';
import { readToEnd } from '../reading.ts';
import { begin, newHeader } from '../run-writer.ts';
import { replicas } from './replicas.ts';

async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await sleep(5); // What is waited for happens in other processes.
}

/** One address for whichever server is the master, as a fail-over has it. */
async function openAddress(url: string) {
  let { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy()).once('close', () => to.destroy() && open.delete(from));
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (other: string) => void ({ hostname, port } = new URL(other)),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

describe.skipIf(!hasRedis())('a Redis that is away', () => {
  test.each([true, false])('loses nothing of a run that is written meanwhile (kept on disk: %s)', async (persist) => {
    await using server = await openRedis({ persist });
    const open = replicas(server, { leaseMs: 1_000 });
    await using here = await open();
    await using there = await open();
    const { run, writer } = await begin(here.log);
    await writer.write({ say: 'before ' });
    await here.log.flushed(writer.header);
    const local = readToEnd(run.read(0));
    const remote = readToEnd((await there.log.find(writer.header))!.read(0));
    await server.kill();
    await until(() => !here.log.available && !there.log.available);
    await expect(here.log.claim(newHeader())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await expect(there.log.list('ann')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    for (let i = 0; i < 20; i += 1) await writer.write({ say: `${i} ` });
    expect(run.state.text).toContain('19 ');
    await server.start();
    await until(() => here.log.available && there.log.available);
    await writer.write({ say: 'after' });
    await writer.write({ end: 'SUCCEEDED' });
    await here.log.flushed(writer.header);
    expect(await local).toEqual(writer.events);
    expect(await remote).toEqual(writer.events);
    await using late = await open();
    expect(await readToEnd((await late.log.find(writer.header))!.read(0))).toEqual(writer.events);
    expect((await late.log.claim(writer.header)).first).toBe(false);
    expect([...here.told, ...there.told]).toEqual([]);
  });

  test('is noticed when it is only silent', async () => {
    await using server = await openRedis();
    const open = replicas(server, { leaseMs: 8_000 });
    await using here = await open();
    const { run, writer } = await begin(here.log);
    server.signal('SIGSTOP');
    await writer.write({ say: 'a' });
    await until(() => !here.log.available);
    await expect(here.log.claim(newHeader())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(run.state.text).toBe('a');
    server.signal('SIGCONT');
    await until(() => here.log.available);
    await writer.write({ end: 'SUCCEEDED' });
    await here.log.flushed(writer.header);
    await using late = await open();
    expect((await late.log.find(writer.header))?.state.text).toBe('a');
  });

  test('holds back what strict readers may not see yet', async () => {
    await using server = await openRedis({ persist: true });
    await using here = await replicas(server, { leaseMs: 8_000, durability: 'strict' })();
    const { run, writer } = await begin(here.log);
    await writer.write({ say: 'a' });
    await server.kill();
    const writing = writer.write({ say: 'b' });
    await until(() => !here.log.available);
    expect(run.state.text).toBe('a');
    await server.start();
    await writing;
    expect(run.state.text).toBe('ab');
  });

  test('may be another one afterwards: what was written meanwhile is written there', async () => {
    await using first = await openRedis();
    await using second = await openRedis();
    const { host, port } = first.client.options;
    await second.client.replicaof(host!, port!);
    await using address = await openAddress(first.url);
    const open = replicas({ ...first, url: address.url }, { leaseMs: 2_000 });
    await using here = await open();
    await using there = await open();
    const { run, writer } = await begin(here.log);
    await writer.write({ say: 'before ' });
    await here.log.flushed(writer.header);
    await until(async () => (await second.client.keys('*run:*')).length === 1);
    const remote = readToEnd((await there.log.find(writer.header))!.read(0));
    await first.kill();
    await writer.write({ say: 'meanwhile ' });
    await second.client.replicaof('NO', 'ONE');
    address.leadTo(second.url);
    await until(() => here.log.available && there.log.available);
    await writer.write({ say: 'after' }, { end: 'SUCCEEDED' });
    await here.log.flushed(writer.header);
    expect(await readToEnd(run.read(0))).toEqual(writer.events);
    expect(await remote).toEqual(writer.events);
    await using late = await open();
    expect((await late.log.find(writer.header))?.state.text).toBe('before meanwhile after');
  });

  test('can be missing from the start', async () => {
    await using server = await openRedis();
    await server.kill();
    await using here = await replicas(server, {}, 'do not wait')();
    await expect(here.log.claim(newHeader())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await server.start();
    await until(() => here.log.available);
    const { writer } = await begin(here.log);
    await writer.write({ say: 'a' }, { end: 'SUCCEEDED' });
    expect((await here.log.find(writer.header))?.state.text).toBe('a');
  });
});
