import type { Logger } from 'pino';
import { MemoryLog, type MemoryLogOptions } from './memory-log.ts';
import { MemoryTurns } from './memory-turns.ts';
import { MemoryNotes, type Notes } from './notes.ts';
import type { RedisLogOptions } from './redis/redis-log.ts';
import type { RedisOptions } from './redis/redis.ts';
import { memoryRate, redisRate, type OpenRate } from './rates.ts';
import type { RunLog } from './run-log.ts';
import type { Turns } from './turns.ts';
import { elapsed } from './wait.ts';

/** Where runs are kept, where they wait, what is known besides, and where it is counted how often somebody asks. */
export interface Store extends AsyncDisposable {
  readonly log: RunLog;
  readonly turns: Turns;
  readonly notes: Notes;
  readonly openRate: OpenRate;
}

/** In the memory of this process. */
export function openMemoryStore(options: MemoryLogOptions): Store {
  const log = new MemoryLog(options);
  return {
    log,
    turns: new MemoryTurns(),
    openRate: memoryRate,
    notes: new MemoryNotes(),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

/** How long Redis may take at the start, in ms; without it, it goes on all the same. */
const READY_MS = 1_000;

/** In a Redis that other processes share. Its client is loaded only now; the server need not be there yet. */
export async function openRedisStore(options: RedisOptions & RedisLogOptions, logger: Logger): Promise<Store> {
  const [{ Redis }, { RedisLog }, { RedisTurns }, { RedisNotes }] = await Promise.all([
    import('./redis/redis.ts'),
    import('./redis/redis-log.ts'),
    import('./redis/redis-turns.ts'),
    import('./redis/redis-notes.ts'),
  ]);
  const redis = new Redis(options, logger);
  const log = new RedisLog(redis, options);
  // A server that is there answers soon: who asks first shall not be told that it is not.
  await elapsed(READY_MS, new Promise<void>((resolve) => redis.onReady(resolve)));
  return {
    log,
    turns: new RedisTurns(redis),
    openRate: redisRate(redis.commands, redis.prefix),
    notes: new RedisNotes(redis),
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}
