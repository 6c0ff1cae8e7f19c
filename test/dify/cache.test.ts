import { describe, expect, it } from 'vitest';
import { Cached } from '../../src/dify/cache.ts';

/** Loads that the test finishes by hand. */
function byHand() {
  const loads: PromiseWithResolvers<string>[] = [];
  const errors: unknown[] = [];
  const load = () => {
    const made = Promise.withResolvers<string>();
    loads.push(made);
    return made.promise;
  };
  return { loads, errors, load, onStale: (error: unknown) => errors.push(error) };
}

/** Lets everything that is ready run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('Cached', () => {
  it('loads once for all who ask at the same time, and once for all who ask later', async () => {
    const { loads, load, onStale } = byHand();
    const cached = new Cached(load, 60_000, onStale);
    const both = Promise.all([cached.get(), cached.get()]);
    loads[0]!.resolve('a');
    expect(await both).toEqual(['a', 'a']);
    expect(await cached.get()).toBe('a');
    expect(loads).toHaveLength(1);
  });

  it('gives one that is young enough, or waits for a new one', async () => {
    const { loads, load, onStale } = byHand();
    const cached = new Cached(load, 60_000, onStale);
    const first = cached.recent(60_000);
    loads[0]!.resolve('a');
    expect(await first).toBe('a');
    expect(await cached.recent(60_000)).toBe('a');
    const both = Promise.all([cached.recent(0), cached.recent(0)]);
    expect(await cached.get()).toBe('a');
    loads[1]!.resolve('b');
    expect(await both).toEqual(['b', 'b']);
    expect(await cached.get()).toBe('b');
    const failing = cached.recent(0);
    loads[2]!.reject(new Error('no'));
    await expect(failing).rejects.toThrow('no');
    expect(await cached.get()).toBe('b');
    expect(loads).toHaveLength(3);
  });

  it('does not keep a failure', async () => {
    const { loads, load, onStale } = byHand();
    const cached = new Cached(load, 60_000, onStale);
    const first = cached.get();
    loads[0]!.reject(new Error('no'));
    await expect(first).rejects.toThrow('no');
    const second = cached.get();
    loads[1]!.resolve('b');
    expect(await second).toBe('b');
  });

  it('serves an old value while it loads a new one, once', async () => {
    const { loads, load, onStale } = byHand();
    const cached = new Cached(load, 0, onStale);
    const first = cached.get();
    loads[0]!.resolve('a');
    await first;
    expect([await cached.get(), await cached.get()]).toEqual(['a', 'a']);
    expect(loads).toHaveLength(2);
    loads[1]!.resolve('b');
    await settled();
    expect(await cached.get()).toBe('b');
  });

  it('keeps serving an old value when it cannot be replaced, and says why', async () => {
    const { loads, errors, load, onStale } = byHand();
    const cached = new Cached(load, 0, onStale);
    const first = cached.get();
    loads[0]!.resolve('a');
    await first;
    await cached.get();
    const reason = new Error('down');
    loads[1]!.reject(reason);
    await settled();
    expect(errors).toEqual([reason]);
    expect(await cached.get()).toBe('a');
  });
});
