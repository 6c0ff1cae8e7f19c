import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RunKey } from '../../src/runs/run-state.ts';
import { appLine, conversationLine, type Turns } from '../../src/runs/turns.ts';

/** What `Turns` promises: every implementation passes these tests, which know nothing else of it. */
export function turnsSuite(name: string, open: () => Promise<AsyncDisposable & { readonly turns: Turns }>): void {
  let runs = 0;

  /** A run and a line that no other test has. */
  const newRun = (viewer = 'ann'): RunKey => ({ viewer, id: `run-${(runs += 1)}` });
  const newLine = (): string => appLine(`app-${(runs += 1)}`);

  describe(`${name} as Turns`, () => {
    test('tell each run how many stand before it, in the order they came', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, all] = [newLine(), [newRun(), newRun('bob'), newRun()]];
      for (const [index, run] of all.entries()) expect(await turns.enter(line, run)).toBe(index);
      expect(await turns.standing(line)).toEqual(all);
    });

    test('give a run one place in a line, however often it enters', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, first, second] = [newLine(), newRun(), newRun()];
      await turns.enter(line, first);
      await turns.enter(line, second);
      expect(await turns.enter(line, first)).toBe(0);
      expect(await turns.enter(line, second)).toBe(1);
      expect(await turns.standing(line)).toEqual([first, second]);
    });

    test('let exactly one of a hundred at once be first', async () => {
      await using rig = await open();
      const line = newLine();
      const places = await Promise.all(Array.from({ length: 100 }, () => rig.turns.enter(line, newRun())));
      expect(places.toSorted((a, b) => a - b)).toEqual(places.map((_, index) => index));
    });

    test('give no place in a line that is longer than wanted, but tell how long it is', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, first, second, third] = [newLine(), newRun(), newRun(), newRun()];
      expect(await turns.enter(line, first, 0)).toBe(0);
      expect(await turns.enter(line, second, 0)).toBe(1);
      expect(await turns.standing(line)).toEqual([first]);
      expect(await turns.enter(line, second, 1)).toBe(1);
      expect(await turns.enter(line, third, 1)).toBe(2);
      expect(await turns.standing(line)).toEqual([first, second]);
    });

    test('let a run that has a place keep it, whatever is wanted now', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, first, second] = [newLine(), newRun(), newRun()];
      await turns.enter(line, first);
      await turns.enter(line, second);
      expect(await turns.enter(line, second, 0)).toBe(1);
      expect(await turns.standing(line)).toEqual([first, second]);
    });

    test('move up when one leaves, wherever it stood', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, first, second, third] = [newLine(), newRun(), newRun(), newRun()];
      for (const run of [first, second, third]) await turns.enter(line, run);
      await turns.leave(line, second);
      expect(await turns.enter(line, third)).toBe(1);
      await turns.leave(line, first);
      expect(await turns.enter(line, third)).toBe(0);
    });

    test('put a run that has left and comes again at the end', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, first, second] = [newLine(), newRun(), newRun()];
      await turns.enter(line, first);
      await turns.enter(line, second);
      await turns.leave(line, first);
      expect(await turns.enter(line, first)).toBe(1);
    });

    test('do not mind who leaves without having come', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, first] = [newLine(), newRun()];
      await turns.leave(line, first);
      await turns.enter(line, first);
      await turns.leave(line, newRun());
      await turns.leave(line, { ...first, viewer: 'eve' });
      expect(await turns.standing(line)).toEqual([first]);
    });

    test('call back whoever watches a line when one leaves it, until they have enough', async () => {
      await using rig = await open();
      const { turns } = rig;
      const [line, first, second] = [newLine(), newRun(), newRun()];
      await turns.enter(line, first);
      await turns.enter(line, second);
      let calls = 0;
      const off = turns.onMove(line, () => (calls += 1));
      const called = async (times: number) => {
        while (calls < times) await sleep(1); // It may be called from another process.
      };
      await turns.leave(line, first);
      await called(1);
      off();
      const seen = calls;
      const again = Promise.withResolvers<void>();
      turns.onMove(line, again.resolve);
      await turns.leave(line, second);
      await again.promise;
      expect(calls).toBe(seen);
    });

    test('keep lines apart: of apps, of conversations, and of two viewers that name the same conversation', async () => {
      await using rig = await open();
      const { turns } = rig;
      const id = `c-${(runs += 1)}`;
      const lines = [
        newLine(),
        newLine(),
        conversationLine('ann', 'support', id),
        conversationLine('bob', 'support', id),
        conversationLine('ann', 'other', id),
        conversationLine('ann support', '', id),
      ];
      for (const line of lines) expect(await turns.enter(line, newRun())).toBe(0);
    });
  });
}
