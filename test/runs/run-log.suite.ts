import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Draft, RunEvent } from '../../src/runs/run-event.ts';
import type { KeptRun, RunLog } from '../../src/runs/run-log.ts';
import { everyKind, manyEpochs } from './histories.ts';
import { next, readToEnd } from './reading.ts';
import { readingSuite } from './run-log-reading.suite.ts';
import { begin, newHeader, type RunWriter } from './run-writer.ts';

/** What `RunLog` promises: every implementation passes these tests, which know nothing else of it. */
export function runLogSuite(name: string, open: () => RunLog | Promise<RunLog>): void {
  describe(`${name} as a RunLog`, () => {
    describe('claim', () => {
      test('is first for exactly one of a hundred at once', async () => {
        await using log = await open();
        const header = newHeader();
        const claims = await Promise.all(Array.from({ length: 100 }, () => log.claim(header)));
        expect(claims.filter(({ first }) => first)).toHaveLength(1);
        expect(new Set(claims.map(({ run }) => run.state.header.id))).toEqual(new Set([header.id]));
      });

      test('leaves the header of the first claim as it is', async () => {
        await using log = await open();
        const header = newHeader({ query: 'first', inputs: { a: [1, { b: null }] }, fingerprint: '1' });
        await log.claim(header);
        const { first, run } = await log.claim({ ...header, query: 'second', fingerprint: '2' });
        expect(first).toBe(false);
        expect(run.state.header).toEqual(header);
      });

      test('is not first again after the end of the run', async () => {
        await using log = await open();
        const { writer } = await begin(log);
        await writer.write({ say: 'a' }, { end: 'SUCCEEDED' });
        const { first, run } = await log.claim(writer.header);
        expect(first).toBe(false);
        expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'a' });
      });

      test.each([
        ['another viewer’s same id', { viewer: 'ann', id: 'x' }, { viewer: 'bob', id: 'x' }],
        ['a pair that only looks the same when joined', { viewer: 'a:b', id: 'c' }, { viewer: 'a', id: 'b:c' }],
      ])('takes %s for another run', async (_, one, other) => {
        await using log = await open();
        const [a, b] = [await begin(log, one), await begin(log, other)];
        await a.writer.write({ say: 'for one' });
        expect((await log.find(one))?.state.text).toBe('for one');
        expect((await log.find(other))?.state).toMatchObject({ text: '', lastSeq: 0 });
        expect((await log.claim(b.writer.header)).first).toBe(false);
      });

      test('starts a run that nothing has happened to', async () => {
        await using log = await open();
        const { run } = await begin(log, { conversationId: 'c1' });
        expect(run.state).toMatchObject({ status: 'RUNNING', lastSeq: 0, text: '', conversationId: 'c1' });
        expect(run.state.finishedAt).toBeNull();
        expect(run.watchers).toBe(0);
      });
    });

    describe('append', () => {
      test('brings every kind of event to its readers as it was written', async () => {
        await using log = await open();
        const { run, writer } = await begin(log);
        await writer.write(...everyKind);
        expect(await readToEnd(run.read(0))).toEqual(writer.events);
      });

      test('folds every kind of event into the state', async () => {
        await using log = await open();
        const { writer } = await begin(log);
        await writer.write(...everyKind);
        const { state } = (await log.find(writer.header))!;
        expect(state).toMatchObject({
          status: 'FAILED',
          lastSeq: everyKind.length,
          conversationId: 'c',
          messageId: 'm',
          taskId: 't',
          workflowRunId: 'w',
          text: 'New 👋',
          reasoning: 'Hm.',
          rawText: '<think>Hm.</think>New 👋',
          progress: { started: 1, finished: 0, failed: 0, current: ['A node'] },
          outputs: { answer: 42 },
          firstEventAt: writer.events[0]?.at,
          finishedAt: writer.events.at(-1)?.at,
        });
        expect([...state.steps.keys(), ...state.nodes.keys()]).toEqual(['s1', 'e1']);
        expect(state.files.map(({ id }) => id)).toEqual(['f1']);
        expect(state.citations).toHaveLength(1);
        expect(state.usage?.totalPrice).toBe('0.0000006');
        expect(state.error?.code).toBe('UPSTREAM_RATE_LIMITED');
      });

      test.each<[string, (writer: RunWriter) => RunEvent[]]>([
        ['a hole', (writer) => writer.next({ say: 'x' }, { say: 'y' }).slice(1)],
        [
          'a hole between two events',
          (writer) => writer.next({ say: 'x' }, { say: 'y' }, { say: 'z' }).toSpliced(1, 1),
        ],
        ['a repeat', (writer) => writer.events.slice(-1)],
        ['a repeat after a new event', (writer) => [...writer.next({ say: 'x' }), ...writer.next({ say: 'x' })]],
        [
          'an event after the end within one step',
          (writer) => writer.next({ say: 'x' }, { end: 'FAILED' }, { say: 'y' }),
        ],
        ['a second end within one step', (writer) => writer.next({ end: 'FAILED' }, { end: 'FAILED' })],
      ])('refuses %s, and nothing has changed', async (_, wrong) => {
        await using log = await open();
        const { run, writer } = await begin(log);
        await writer.write({ say: 'a' }, { think: 'b' });
        const before = snapshot(run);
        const reader = run.read(2);
        const waiting = next(reader);
        await expect((async () => log.append(writer.header, wrong(writer)))()).rejects.toThrow();
        expect(snapshot((await log.find(writer.header))!)).toEqual(before);
        await writer.write({ say: 'c' }, { end: 'SUCCEEDED' });
        expect(await waiting).toEqual(writer.events.slice(2));
        expect(await readToEnd(run.read(0))).toEqual(writer.events);
      });

      test('refuses everything after the end of the run', async () => {
        await using log = await open();
        const { run, writer } = await begin(log);
        await writer.write({ say: 'a' }, { end: 'STOPPED' });
        const before = snapshot(run);
        for (const part of [{ say: 'b' }, { end: 'SUCCEEDED' }] as const)
          await expect((async () => log.append(writer.header, writer.next(part)))()).rejects.toThrow();
        expect(snapshot((await log.find(writer.header))!)).toEqual(before);
        expect(await readToEnd(run.read(0))).toEqual(writer.events);
      });

      test('takes no event for no change', async () => {
        await using log = await open();
        const { run, writer } = await begin(log);
        const waiting = next(run.read(0));
        await log.append(writer.header, []);
        await writer.write({ say: 'a' });
        expect(await waiting).toEqual(writer.events);
      });
    });

    describe('read', () => readingSuite(open));

    describe('a run', () => {
      test('counts its watchers', async () => {
        await using log = await open();
        const { run, writer } = await begin(log);
        const readers = [run.read(0), run.read(0), run.read(5)] as const;
        expect(run.watchers).toBe(3);
        readers[0].close();
        readers[0].close();
        expect(run.watchers).toBe(2);
        const waiting = next(readers[1]);
        readers[1].close();
        await waiting;
        expect(run.watchers).toBe(1);
        await writer.write({ end: 'SUCCEEDED' });
        expect(await next(readers[2])).toBeNull();
        expect(run.watchers).toBe(0);
      });

      test('resolves `ended` with its end, and not before', async () => {
        await using log = await open();
        const { run, writer } = await begin(log);
        const seen: string[] = [];
        const ended = run.ended.then(() => seen.push('ended'));
        await writer.write({ say: 'a' });
        await log.markStopping(writer.header);
        seen.push('written');
        await writer.write({ end: 'FAILED' });
        await ended;
        expect(seen).toEqual(['written', 'ended']);
        await (
          await log.find(writer.header)
        )?.ended;
      });

      test('resolves `settled` whenever it waits for a person, and with its end', async () => {
        await using log = await open();
        const { run, writer } = await begin(log);
        const seen: string[] = [];
        const paused = run.settled.then(() => seen.push('settled'));
        await writer.write({ say: 'a' });
        seen.push('written');
        await writer.write({ type: 'RunPaused', forms: [] });
        await paused;
        await run.settled;
        await writer.write({ type: 'RunResumed', formId: null, action: null, timedOut: false });
        const ended = run.settled.then(() => seen.push('settled'));
        await writer.write({ say: 'b' });
        seen.push('resumed');
        await writer.write({ end: 'SUCCEEDED' });
        await ended;
        await run.settled;
        expect(seen).toEqual(['written', 'settled', 'resumed', 'settled']);
      });

      test('tells text and reasoning as they were after each of its events', async () => {
        await using log = await open();
        const { run, writer } = await begin(log);
        expect(run.at(0)).toEqual({ text: '', reasoning: '' });
        for (const part of manyEpochs) {
          await writer.write(part);
          expect(run.at(writer.events.length)).toEqual(writer.told.at(-1));
        }
        for (const [seq, told] of writer.told.entries()) expect([seq, run.at(seq)]).toEqual([seq, told]);
      });

      test('tells them for any history', async () => {
        await using log = await open();
        const piece = fc.constantFrom('a', 'bcd', ' ', '👋', '\ud83d', 'ß\u2028');
        const part = fc.oneof(
          { weight: 4, arbitrary: fc.record({ say: piece }) },
          { weight: 2, arbitrary: fc.record({ think: piece }) },
          { weight: 1, arbitrary: fc.record({ replace: fc.constantFrom('', 'x', 'a longer text') }) },
          { weight: 1, arbitrary: fc.constant<Draft>({ type: 'UnknownEvent', name: 'x', data: {} }) },
        );
        await fc.assert(
          fc.asyncProperty(fc.array(part, { maxLength: 30 }), fc.boolean(), async (parts, ended) => {
            const { run, writer } = await begin(log);
            await writer.write(...parts);
            if (ended) await writer.write({ end: 'SUCCEEDED' });
            expect(writer.told.map((_told, seq) => run.at(seq))).toEqual(writer.told);
          }),
          { numRuns: 50 },
        );
      });
    });

    describe('find and list', () => {
      test('find nothing where nothing was claimed', async () => {
        await using log = await open();
        expect(await log.find({ viewer: 'nobody', id: 'x' })).toBeUndefined();
        expect(await log.list('nobody')).toEqual([]);
      });

      test('list the viewer’s runs, newest first, and nobody else’s', async () => {
        await using log = await open();
        const anns = [];
        for (const viewer of ['ann', 'bob', 'ann', 'ann']) {
          const { writer } = await begin(log, { viewer });
          if (viewer === 'ann') anns.unshift(writer.header.id);
          await writer.write({ say: 'a' });
        }
        // An older run that goes on stays where it is.
        await log.append({ viewer: 'ann', id: anns[2]! }, [
          { type: 'TextDelta', seq: 2, at: Date.now(), offset: 1, text: 'b', source: null },
        ]);
        const listed = await log.list('ann');
        expect(listed.map((run) => run.state.header.id)).toEqual(anns);
        expect(listed.map((run) => run.state.text)).toEqual(['a', 'a', 'ab']);
      });
    });

    describe('markStopping', () => {
      test('shows that a stop was asked for, until the end', async () => {
        await using log = await open();
        const { writer } = await begin(log);
        await log.markStopping(writer.header);
        expect((await log.find(writer.header))?.state).toMatchObject({ status: 'STOPPING', finishedAt: null });
        await writer.write({ say: 'a' });
        expect((await log.find(writer.header))?.state).toMatchObject({ status: 'STOPPING', text: 'a' });
        await writer.write({ end: 'STOPPED' });
        expect((await log.find(writer.header))?.state.status).toBe('STOPPED');
      });

      test('does nothing to a run that has ended, or that there is not', async () => {
        await using log = await open();
        const { writer } = await begin(log);
        await writer.write({ end: 'SUCCEEDED' });
        await log.markStopping(writer.header);
        expect((await log.find(writer.header))?.state.status).toBe('SUCCEEDED');
        await log.markStopping({ viewer: 'ann', id: 'unknown' });
        expect(await log.find({ viewer: 'ann', id: 'unknown' })).toBeUndefined();
      });
    });
  });
}

function snapshot({ state }: KeptRun): unknown {
  return structuredClone(state);
}
