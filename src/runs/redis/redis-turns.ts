import type { RunKey } from '../run-state.ts';
import type { Turns } from '../turns.ts';
import { keyOf, nameOf, Names } from './names.ts';
import type { Redis } from './redis.ts';
import * as scripts from './scripts.ts';
import { LIFE_MS } from './written.ts';

/** A place is taken before its run is claimed: so long, in ms, nobody asks for the run. */
const GRACE_MS = 10_000;

/** No line is longer. */
const MOST = 1_000_000;

/** Lines that all replicas stand in. */
export class RedisTurns implements Turns {
  readonly #redis: Redis;
  readonly #names: Names;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#names = new Names(redis.prefix);
  }

  async enter(line: string, run: RunKey, most = Infinity): Promise<number> {
    const keys = [this.#names.line(line), this.#names.leases];
    return Number(await this.#redis.run(scripts.enter, keys, [nameOf(run), GRACE_MS, Math.min(most, MOST), LIFE_MS]));
  }

  async leave(line: string, run: RunKey): Promise<void> {
    const key = this.#names.line(line);
    if ((await this.#redis.ask((connection) => connection.zrem(key, nameOf(run)))) > 0) this.#redis.ring(key, '');
  }

  async standing(line: string): Promise<readonly RunKey[]> {
    const names = await this.#redis.ask((connection) => connection.zrange(this.#names.line(line), 0, -1));
    return names.map(keyOf);
  }

  onMove(line: string, moved: () => void): () => void {
    return this.#redis.listen(this.#names.line(line), moved, moved);
  }
}
