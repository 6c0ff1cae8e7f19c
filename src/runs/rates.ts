import type { Redis as Connection } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { GatewayError } from '../errors.ts';

/** So many in a minute, for each key. The minute begins with the first. */
export interface Rate {
  /** Counts one; rejects with RATE_LIMITED where that is one too many. */
  take(key: string): Promise<void>;
  /** It has come to nothing. */
  giveBack(key: string): Promise<void>;
}

/** `what` is counted is told in errors; null where `perMinute` is 0: no limit. */
export type OpenRate = (name: string, perMinute: number, what: string) => Rate | null;

/** Counts in the memory of this process. */
export const memoryRate: OpenRate = (name, perMinute, what) =>
  perMinute === 0 ? null : counted(new RateLimiterMemory(limitsOf(name, perMinute)), what, perMinute);

/** Counts in Redis, for all processes together; each for itself while Redis cannot be reached. */
export function redisRate(connection: Connection, prefix: string): OpenRate {
  return (name, perMinute, what) => {
    if (perMinute === 0) return null;
    const limiter = new RateLimiterRedis({
      ...limitsOf(`${prefix}rate:${name}`, perMinute),
      storeClient: connection,
      rejectIfRedisNotReady: true,
      // Who is over the limit asks nothing of Redis any more.
      inMemoryBlockOnConsumed: perMinute + 1,
      insuranceLimiter: new RateLimiterMemory(limitsOf(name, perMinute)),
    });
    return counted(limiter, what, perMinute);
  };
}

function limitsOf(keyPrefix: string, points: number) {
  return { keyPrefix, points, duration: 60 };
}

function counted(limiter: RateLimiterAbstract, what: string, perMinute: number): Rate {
  return {
    async take(key) {
      try {
        await limiter.consume(key);
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        throw rateLimited(`More than ${perMinute} ${what} within a minute`, refused.msBeforeNext);
      }
    },
    async giveBack(key) {
      await limiter.reward(key);
    },
  };
}

/** `retryAfterMs`: when there is room again, or may be. */
export function rateLimited(what: string, retryAfterMs: number): GatewayError {
  return new GatewayError('RATE_LIMITED', `${what}: ask again later.`, { retryAfterMs: Math.ceil(retryAfterMs) });
}
