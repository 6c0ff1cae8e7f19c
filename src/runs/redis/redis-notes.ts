import type { Notes } from '../notes.ts';
import { Names } from './names.ts';
import type { Redis } from './redis.ts';

/** Notes that all replicas read. */
export class RedisNotes implements Notes {
  readonly #redis: Redis;
  readonly #names: Names;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#names = new Names(redis.prefix);
  }

  async set(name: string, text: string, ms: number): Promise<void> {
    await this.#redis.ask((connection) => connection.set(this.#names.note(name), text, 'PX', ms));
  }

  get(name: string): Promise<string | null> {
    return this.#redis.ask((connection) => connection.get(this.#names.note(name)));
  }
}
