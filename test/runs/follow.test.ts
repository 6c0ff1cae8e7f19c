import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { follow, merge, type Followed, type FollowOptions, type RunAttached } from '../../src/runs/follow.ts';
import { MemoryLog } from '../../src/runs/memory-log.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { KeptRun } from '../../src/runs/run-log.ts';
import { splice } from '../../src/runs/run-state.ts';
import { begin, type Part, type RunWriter } from './run-writer.ts';

type Shown = RunAttached | RunEvent;

const end: Part = { end: 'SUCCEEDED' };

/** Everything that a follower gets; `pause` comes after each event. */
async function all(run: KeptRun, options?: FollowOptions, pause?: () => Promise<unknown>): Promise<Shown[]> {
  const events: Shown[] = [];
  for await (const { event } of follow(run, options)) {
    events.push(event);
    await pause?.();
  }
  return events;
}

/** What a client has that applies these events by their rules, on top of what it had before. */
function applied(events: readonly Shown[], had = { text: '', reasoning: '' }) {
  let { text, reasoning } = had;
  for (const event of events) {
    if (event.type === 'RunAttached') ({ text, reasoning } = event);
    if (event.type === 'TextDelta') text = splice(text, event.offset, event.text);
    if (event.type === 'TextReplaced') ({ text } = event);
    if (event.type === 'ReasoningDelta') reasoning = splice(reasoning, event.offset, event.text);
  }
  return { text, reasoning };
}

async function next(reader: AsyncIterator<Followed>): Promise<Shown | undefined> {
  const result = await reader.next();
  return result.done ? undefined : result.value.event;
}

const types = (events: readonly Shown[]) => events.map(({ type }) => type);
const seqs = (events: readonly Shown[]) => events.map(({ seq }) => seq);

describe('a follower', () => {
  test('gets a snapshot first, then everything that happens, then the end', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    await writer.write({ say: 'a' }, { think: 'b' });
    const reader = follow(run);
    expect(await next(reader)).toMatchObject({
      type: 'RunAttached',
      mode: 'SNAPSHOT',
      seq: 2,
      text: 'a',
      reasoning: 'b',
    });
    const waiting = next(reader);
    await writer.write({ say: 'c' });
    expect(await waiting).toEqual(writer.events[2]);
    await writer.write(end);
    expect(await next(reader)).toEqual(writer.events[3]);
    expect(await next(reader)).toBeUndefined();
    expect(await next(reader)).toBeUndefined();
    expect(run.watchers).toBe(0);
  });

  test('says with each event which run it belongs to', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    await writer.write({ say: 'a' }, end);
    for await (const followed of follow(run)) expect(followed.run).toBe(run);
  });

  test('gets what was written between its two steps', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const reader = follow(run);
    await writer.write({ say: 'a' });
    expect(await next(reader)).toMatchObject({ seq: 0, text: '' });
    await writer.write({ say: 'b' });
    expect([await next(reader), await next(reader)]).toEqual(writer.events);
    await reader.return?.();
  });

  test('goes on where it was: only what it missed, and its own state for comparison', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    await writer.write({ say: 'a' }, { replace: 'X' }, { say: 'b' }, { think: 't' }, { replace: 'Y' }, { say: 'c' });
    for (const ended of [false, true]) {
      if (ended) await writer.write(end);
      for (let after = 0; after <= 6; after += 1) {
        const reader = follow(run, { after });
        expect(await next(reader)).toEqual({
          type: 'RunAttached',
          mode: 'RESUME',
          seq: after,
          at: expect.any(Number) as number,
          ...writer.told[after]!,
        });
        const missed: unknown[] = [];
        for (let i = after; i < writer.events.length; i += 1) missed.push(await next(reader));
        expect(missed).toEqual(writer.events.slice(after));
        await reader.return?.();
      }
    }
  });

  test.each([99, -1])(
    'that claims to have seen what there is not (%i) is told of a gap and gets a snapshot',
    async (after) => {
      await using log = new MemoryLog();
      const { run, writer } = await begin(log);
      await writer.write({ say: 'a' }, { say: 'b' });
      const reader = follow(run, { after });
      expect(await next(reader)).toMatchObject({ mode: 'GAP', seq: 2, text: 'ab' });
      const waiting = next(reader);
      await writer.write({ say: 'c' });
      expect(await waiting).toEqual(writer.events[2]);
      await reader.return?.();
    },
  );

  test.each([
    [null, 'SNAPSHOT'],
    [2, 'RESUME'],
    [3, 'RESUME'],
    [4, 'GAP'],
  ])('of an ended run (after %s) gets a snapshot that stops short of the end, and the end', async (after, mode) => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    await writer.write({ say: 'a' }, { say: 'b' }, end);
    const events = await all(run, { after });
    expect(events[0]).toMatchObject({ mode, seq: 2, text: 'ab' });
    expect(events.slice(1)).toEqual(writer.events.slice(2));
  });

  test('of a run that ended before anything happened gets its end', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    await writer.write({ end: 'FAILED' });
    expect(seqs(await all(run))).toEqual([0, 1]);
  });

  test('gets only the kinds of events it asked for, and always the end', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const following = all(run, { only: ({ type }) => type === 'ReasoningDelta' });
    for (const part of [{ say: 'a' }, { think: 'b' }, { say: 'c' }, { think: 'd' }, end]) await writer.write(part);
    expect(types(await following)).toEqual(['RunAttached', 'ReasoningDelta', 'ReasoningDelta', 'RunFinished']);
  });
});

describe('a follower that leaves', () => {
  test('is let go at once while it waits', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const [leaving, staying] = [follow(run), follow(run)];
    await next(leaving);
    await next(staying);
    const [left, stayed] = [leaving.next(), next(staying)];
    expect(run.watchers).toBe(2);
    const startedAt = performance.now();
    expect(await leaving.return?.()).toEqual({ done: true, value: undefined });
    expect(await left).toEqual({ done: true, value: undefined });
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(run.watchers).toBe(1);
    await writer.write({ say: 'a' });
    expect(await stayed).toEqual(writer.events[0]);
    await staying.return?.();
    expect(run.watchers).toBe(0);
  });

  test('is let go at once while it collects text', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const reader = follow(run, { coalesceMs: 60_000 });
    await next(reader);
    const waiting = reader.next();
    await writer.write({ say: 'a' });
    // The reader has the text now and waits for more of it.
    await sleep(5);
    const startedAt = performance.now();
    await reader.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(run.watchers).toBe(0);
  });

  test('gets nothing of what was waiting for it', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    await writer.write({ say: 'a' }, { say: 'b' }, end);
    const reader = follow(run, { after: 0 });
    await next(reader);
    await next(reader);
    await reader.return?.();
    expect(await next(reader)).toBeUndefined();
  });

  test('leaves by breaking out of its loop', async () => {
    await using log = new MemoryLog();
    const { run } = await begin(log);
    for await (const { event } of follow(run)) {
      expect([event.type, run.watchers]).toEqual(['RunAttached', 1]);
      break;
    }
    expect(run.watchers).toBe(0);
  });

  test('may leave before it has begun', async () => {
    await using log = new MemoryLog();
    const { run } = await begin(log);
    const reader = follow(run);
    await reader.return?.();
    expect(await next(reader)).toBeUndefined();
    expect(run.watchers).toBe(0);
  });
});

describe('a follower that collects text', () => {
  test('gets what comes within its time as one piece, with the number of the last', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const reader = follow(run, { coalesceMs: 20 });
    await next(reader);
    const waiting = next(reader);
    for (const say of ['a', 'b', 'c']) await writer.write({ say });
    expect(await waiting).toMatchObject({ type: 'TextDelta', seq: 3, offset: 0, text: 'abc' });
    const more = next(reader);
    await writer.write({ say: 'd' });
    expect(await more).toMatchObject({ seq: 4, offset: 3, text: 'd' });
    await reader.return?.();
  });

  test('does not wait for its time when the run ends', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const following = all(run, { coalesceMs: 60_000 });
    await writer.write({ say: 'a' });
    // The follower is waiting for more text when the end comes.
    await sleep(5);
    await writer.write({ say: 'b' });
    await writer.write(end);
    expect((await following).slice(1)).toMatchObject([{ seq: 2, text: 'ab' }, { type: 'RunFinished' }]);
    expect(seqs(await all(run, { coalesceMs: 60_000, after: 0 }))).toEqual([0, 2, 3]);
  });

  test('gets what is no text in its place', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const following = all(run, { coalesceMs: 10 });
    await writer.write({ say: 'a' }, { say: 'b' }, { think: 'c' }, { think: 'd' }, { replace: 'X' }, { say: 'e' });
    await writer.write({ say: 'f' });
    await writer.write(end);
    const events = await following;
    expect(seqs(events)).toEqual([0, 2, 4, 5, 7, 8]);
    expect(applied(events)).toEqual(writer.told.at(-1));
  });
});

describe('a follower that is slow', () => {
  async function flood(writer: RunWriter, pieces: number): Promise<void> {
    for (let i = 0; i < pieces; i += 1) {
      if (i % 100 === 50) await writer.write({ think: `${i}` }, { think: ' ' });
      else if (i % 250 === 249) await writer.write({ replace: `again ${i} ` });
      else await writer.write({ say: `${i} ` });
    }
  }

  test('and has more than 256 events to catch up on gets its text merged, and in the end the same', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const reader = follow(run);
    await next(reader);
    await flood(writer, 2_000);
    await writer.write(end);
    const events: Shown[] = [];
    for (let event = await next(reader); event; event = await next(reader)) events.push(event);
    expect(events.length).toBeLessThan(100);
    expect(applied(events)).toEqual(writer.told.at(-1));
    expect(events.at(-1)).toEqual(writer.events.at(-1));
  });

  test('gets every event as it was up to 256', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    const reader = follow(run);
    await next(reader);
    for (let i = 0; i < 255; i += 1) await writer.write({ say: 'a' });
    await writer.write(end);
    for (const event of writer.events) expect(await next(reader)).toEqual(event);
    expect(await next(reader)).toBeUndefined();
  });

  test('can go on from every event it was given, with neither a gap nor a repeat', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    await flood(writer, 600);
    await writer.write(end);
    const events = await all(run, { after: 0 });
    for (const [index, { seq }] of events.slice(0, -1).entries()) {
      expect(applied(events.slice(0, index + 1))).toEqual(writer.told[seq]);
      const rest = await all(run, { after: seq });
      expect(applied(rest.slice(1), writer.told[seq])).toEqual(writer.told.at(-1));
    }
  });

  test('is as well off as the fast ones beside it', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log);
    // Their pace is what this is about.
    const paces = [undefined, () => sleep(1), () => sleep(4)];
    const following = paces.map((pause) => all(run, {}, pause));
    for (let i = 0; i < 20; i += 1) {
      await flood(writer, 30);
      await sleep(1);
    }
    await writer.write(end);
    for (const events of await Promise.all(following)) {
      expect(applied(events)).toEqual(writer.told.at(-1));
      expect(events.at(-1)).toEqual(writer.events.at(-1));
    }
  });
});

test('text of two nodes is not merged into one', () => {
  const delta = { type: 'TextDelta', at: 0 } as const;
  const events = [
    { ...delta, seq: 1, offset: 0, text: 'a', source: ['n1', 'text'] },
    { ...delta, seq: 2, offset: 1, text: 'b', source: ['n1', 'text'] },
    { ...delta, seq: 3, offset: 2, text: 'c', source: ['n2', 'text'] },
    { ...delta, seq: 4, offset: 3, text: 'd', source: null },
  ];
  expect(Array.from(merge(events)).map(({ seq, ...event }) => [seq, 'text' in event ? event.text : null])).toEqual([
    [2, 'ab'],
    [3, 'c'],
    [4, 'd'],
  ]);
});
