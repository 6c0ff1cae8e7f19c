import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisTurns } from '../../../src/runs/redis/redis-turns.ts';
import { Redis } from '../../../src/runs/redis/redis.ts';
import { appLine } from '../../../src/runs/turns.ts';
import { hasRedis, openRedis, type TestRedis } from '../../redis.ts';
import { begin, newHeader } from '../run-writer.ts';
import { turnsSuite } from '../turns.suite.ts';
import { replicas } from './replicas.ts';

describe.skipIf(!hasRedis())('with Redis', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await openRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(prefix = `${randomUUID()}:`) {
    const redis = new Redis({ url: server.url, prefix }, pino({ level: 'silent' }));
    await new Promise<void>((resolve) => redis.onReady(resolve));
    return { turns: new RedisTurns(redis), [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose]() };
  }

  turnsSuite('RedisTurns', open);

  test('lines are the same for all replicas', async () => {
    const prefix = `${randomUUID()}:`;
    await using here = await open(prefix);
    await using there = await open(prefix);
    const [line, one, two] = [appLine('a'), newHeader(), newHeader()];
    expect(await here.turns.enter(line, one)).toBe(0);
    expect(await there.turns.enter(line, two)).toBe(1);
    const moved = new Promise<void>((resolve) => there.turns.onMove(line, resolve));
    // The bell is hung when the next answer comes.
    await there.turns.standing(line);
    await here.turns.leave(line, one);
    await Promise.race([moved, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    expect(await there.turns.enter(line, two)).toBe(0);
  });

  test('a run keeps its place while anybody writes it, and loses it some time after it has ended', async () => {
    await using replica = await replicas(server)();
    const turns = new RedisTurns(replica.redis);
    const [line, next] = [appLine('b'), newHeader()];
    const { writer } = await begin(replica.log);
    await turns.enter(line, writer.header);
    const key = (await server.client.keys('*line:app b')).find((one) => one.startsWith(replica.redis.prefix))!;
    // As if it had entered long ago: then only its lease speaks for it.
    await server.client.zadd(key, 1, (await server.client.zrange(key, 0, 0))[0]!);
    expect(await turns.enter(line, next)).toBe(1);
    await writer.write({ end: 'SUCCEEDED' });
    await replica.log.flushed(writer.header);
    expect(await turns.enter(line, next)).toBe(0);
  });
});
