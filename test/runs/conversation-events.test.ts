import { describe, expect, test } from 'vitest';
import {
  followConversation,
  type ConversationEvent,
  type ConversationPosition,
  type ConversationSource,
} from '../../src/runs/conversation-events.ts';
import { MemoryLog } from '../../src/runs/memory-log.ts';
import { begin, type RunWriter } from './run-writer.ts';

const conversationId = 'c1';
const end = { end: 'SUCCEEDED' } as const;

function sourceOf(log: MemoryLog): ConversationSource {
  return {
    list: async () => (await log.list('ann')).filter(({ state }) => state.conversationId === conversationId),
    onChange: (changed) => log.onChange('ann', changed),
  };
}

/** Reads on until so many runs have ended. */
async function readEnds(events: AsyncIterator<ConversationEvent, undefined>, count: number) {
  const told: ConversationEvent[] = [];
  for (let left = count; left > 0;) {
    const { value } = await events.next();
    if (!value) throw new Error('it has ended');
    told.push(value);
    if (value.followed.event.type === 'RunFinished') left -= 1;
  }
  return told;
}

const numbers = (told: readonly ConversationEvent[], { header }: RunWriter) =>
  told.flatMap(({ followed: { run, event } }) => (run.state.header.id === header.id ? [event.seq] : []));

describe('the events of a conversation', () => {
  test('are those of all its runs, however these take turns, and go on behind each of them', async () => {
    await using log = new MemoryLog();
    const events = await followConversation(sourceOf(log), null, {});
    const [one, two] = [await begin(log, { conversationId }), await begin(log, { conversationId })];
    const [a, b] = [one.writer, two.writer];
    const whole = readEnds(events, 3);
    await a.write({ say: 'a1' });
    await b.write({ say: 'b1' }, { say: 'b2' });
    await a.write({ say: 'a2' }, end);
    await b.write({ say: 'b3' });
    const { writer: c } = await begin(log, { conversationId });
    await c.write({ say: 'c1' }, end);
    await b.write(end);
    const told = await whole;
    await events.return?.();
    const ends = { a: a.events.length, b: b.events.length, c: c.events.length };
    for (const [writer, last] of [
      [a, ends.a],
      [b, ends.b],
      [c, ends.c],
    ] as const)
      expect(numbers(told, writer).at(-1)).toBe(last);

    for (const [index, { position }] of told.entries()) {
      const before = told.slice(0, index + 1);
      const missing = 3 - before.filter(({ followed }) => followed.event.type === 'RunFinished').length;
      const again = await followConversation(sourceOf(log), position, {});
      const after = await readEnds(again, missing);
      await again.return?.();
      for (const writer of [a, b, c]) {
        const seen = numbers(before, writer).at(-1) ?? 0;
        const attached = after.find(({ followed: { run } }) => run.state.header.id === writer.header.id);
        const rest = numbers(after, writer);
        if (seen === writer.events.length) expect(rest).toEqual([]);
        // A run of which nothing was told yet begins with its state; another goes on behind what was told.
        else if (attached?.followed.event.type === 'RunAttached' && attached.followed.event.mode === 'RESUME')
          expect(rest).toEqual(Array.from({ length: writer.events.length - seen + 1 }, (_, more) => seen + more));
        else expect([seen, rest.at(-1)]).toEqual([0, writer.events.length]);
      }
    }
  });

  test('are missed by nobody who was there, also of a run that began and ended unseen', async () => {
    await using log = new MemoryLog();
    let tell = (): void => {};
    const deaf = { ...sourceOf(log), onChange: (changed: () => void) => ((tell = changed), () => {}) };
    const events = await followConversation(deaf, null, {});
    const { writer } = await begin(log, { conversationId });
    await writer.write({ say: 'a' }, end);
    tell();
    const told = await readEnds(events, 1);
    await events.return?.();
    expect(told.map(({ followed }) => followed.event.type)).toEqual(['RunAttached', 'RunFinished']);
    expect(told[0]?.followed.event).toMatchObject({ mode: 'SNAPSHOT', text: 'a' });
  });

  test('come from a run that was new when its conversation is named', async () => {
    await using log = new MemoryLog();
    const events = await followConversation(sourceOf(log), null, {});
    const { writer } = await begin(log);
    const ids = { messageId: 'm', taskId: 't', workflowRunId: null };
    await writer.write({ type: 'RunStarted', conversationId, ...ids });
    expect((await events.next()).value?.followed.event).toMatchObject({ type: 'RunAttached', seq: 1 });
    await events.return?.();
  });

  test('end at once for who has enough, with nobody attached and nothing watched any more', async () => {
    await using log = new MemoryLog();
    let watching = 0;
    const source: ConversationSource = {
      ...sourceOf(log),
      onChange: (changed) => {
        watching += 1;
        const off = log.onChange('ann', changed);
        return () => {
          watching -= 1;
          off();
        };
      },
    };
    const { run } = await begin(log, { conversationId });
    const events = await followConversation(source, null, {});
    await events.next();
    const waiting = events.next();
    expect([run.watchers, watching]).toEqual([1, 1]);
    await events.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect([run.watchers, watching]).toEqual([0, 0]);
  });

  test('are not told again because an old list has come late', async () => {
    await using log = new MemoryLog();
    const late = Promise.withResolvers<void>();
    const { list, onChange } = sourceOf(log);
    let lists = 0;
    const slow = async () => {
      const runs = await list();
      // The second comes late.
      if ((lists += 1) === 2) await late.promise;
      return runs;
    };
    const events = await followConversation({ list: slow, onChange }, null, {});
    const first = await begin(log, { conversationId });
    const second = await begin(log, { conversationId });
    const told = readEnds(events, 2);
    await first.writer.write(end);
    await second.writer.write(end);
    // Until all that can be told now has been.
    await new Promise((resolve) => setImmediate(resolve));
    late.resolve();
    expect(numbers(await told, second.writer)).toEqual([0, 1]);
    await begin(log, { conversationId });
    expect((await events.next()).value?.followed.event.type).toBe('RunAttached');
    // Whatever else is there comes before everything that is waited for now.
    const more = events.next();
    await new Promise((resolve) => setImmediate(resolve));
    await events.return?.();
    expect(await more).toEqual({ done: true, value: undefined });
  });

  test('fail for who comes while runs cannot be listed, and only then', async () => {
    await using log = new MemoryLog();
    let broken = true;
    const { list, onChange } = sourceOf(log);
    const source = { list: () => (broken ? Promise.reject(new Error('out of reach')) : list()), onChange };
    await expect(followConversation(source, null, {})).rejects.toThrow('out of reach');
    broken = false;
    const events = await followConversation(source, null, {});
    broken = true;
    const { writer } = await begin(log, { conversationId });
    await writer.write({ say: 'a' });
    broken = false;
    await writer.write(end);
    expect(await readEnds(events, 1)).toHaveLength(2);
    await events.return?.();
  });

  test('do not stumble over positions of runs that are gone, or were never there', async () => {
    await using log = new MemoryLog();
    const { run, writer } = await begin(log, { conversationId });
    const position: ConversationPosition = {
      since: 0,
      runs: [
        ['gone', 7],
        [run.state.header.id, 99],
      ],
    };
    const events = await followConversation(sourceOf(log), position, {});
    expect((await events.next()).value?.followed.event).toMatchObject({ type: 'RunAttached', mode: 'GAP' });
    await writer.write(end);
    await readEnds(events, 1);
    await events.return?.();
  });
});
