import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { RedisLog, type RedisLogOptions } from '../../../src/runs/redis/redis-log.ts';
import { Redis } from '../../../src/runs/redis/redis.ts';
import type { KeptRun, LogWriter, RunLog } from '../../../src/runs/run-log.ts';
import type { RunKey } from '../../../src/runs/run-state.ts';
import type { TestRedis } from '../../redis.ts';

const logger = pino({ level: 'silent' });

/** One of several processes that share a Redis. */
export interface Replica extends AsyncDisposable {
  readonly redis: Redis;
  readonly log: RedisLog;
  /** What its writer was told, in order: `stop x`, `lost x` … */
  readonly told: string[];
  /** The next run that it is to take over. */
  taken(): Promise<KeptRun>;
  /** As if the process had been killed: nothing is said or renewed any more. */
  die(): Promise<void>;
}

/** Opens replicas that share one part of a server, which nobody else uses. */
export function replicas(
  server: TestRedis,
  options: RedisLogOptions = {},
  wait: 'wait' | 'do not wait' = 'wait',
): () => Promise<Replica> {
  const prefix = `${randomUUID()}:`;
  return async () => {
    const redis = new Redis({ url: server.url, prefix }, logger);
    if (wait === 'wait') await new Promise<void>((resolve) => redis.onReady(resolve));
    const log = new RedisLog(redis, { leaseMs: 400, ...options });
    const told: string[] = [];
    const taken: KeptRun[] = [];
    let wake = (): void => {};
    const note =
      (what: string) =>
      ({ id }: RunKey): void =>
        void told.push(`${what} ${id}`);
    const writer: LogWriter = {
      stop: note('stop'),
      answered: note('answered'),
      lost: note('lost'),
      takeOver: (run) => {
        taken.push(run);
        wake();
      },
    };
    log.serve(writer);
    let closed: Promise<void> | undefined;
    const closeLog = log[Symbol.asyncDispose].bind(log);
    const close = async () => {
      await closeLog();
      await redis[Symbol.asyncDispose]();
    };
    return {
      redis,
      log,
      told,
      async taken() {
        for (;;) {
          const run = taken.shift();
          if (run) return run;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
      die: () => (closed ??= close()),
      [Symbol.asyncDispose]: () => (closed ??= close()),
    };
  };
}

/** A log that is written through one replica and read through another; what was written has been read when `append` resolves. */
export async function openAcross(server: TestRedis): Promise<RunLog> {
  const open = replicas(server);
  const [here, there] = [await open(), await open()];
  return {
    available: true,
    claim: async (header) => {
      const { first } = await here.log.claim(header);
      return { first, run: (await there.log.find(header))! };
    },
    append: async (key, events) => {
      await here.log.append(key, events);
      await here.log.flushed(key);
      await there.log.find(key);
    },
    flushed: (key) => here.log.flushed(key),
    markStopping: (key) => there.log.markStopping(key),
    noteAnswered: (key) => there.log.noteAnswered(key),
    handOver: (key) => here.log.handOver(key),
    retire: () => {},
    find: (key) => there.log.find(key),
    list: (viewer) => there.log.list(viewer),
    onChange: (viewer, changed) => there.log.onChange(viewer, changed),
    serve: () => {},
    async [Symbol.asyncDispose]() {
      await here[Symbol.asyncDispose]();
      await there[Symbol.asyncDispose]();
    },
  };
}
