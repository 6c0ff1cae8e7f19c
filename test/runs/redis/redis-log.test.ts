import { afterAll, beforeAll, describe } from 'vitest';
import type { RedisLogOptions } from '../../../src/runs/redis/redis-log.ts';
import type { RunLog } from '../../../src/runs/run-log.ts';
import { hasRedis, openRedis, type TestRedis } from '../../redis.ts';
import { runLogSuite } from '../run-log.suite.ts';
import { openAcross, replicas } from './replicas.ts';

describe.skipIf(!hasRedis())('with Redis', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await openRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(options: RedisLogOptions): Promise<RunLog> {
    const replica = await replicas(server, options)();
    replica.log[Symbol.asyncDispose] = () => replica.die();
    return replica.log;
  }

  runLogSuite('RedisLog', () => open({}));
  runLogSuite('RedisLog, strict,', () => open({ durability: 'strict' }));
  runLogSuite('RedisLog, read by another replica,', () => openAcross(server));
});
