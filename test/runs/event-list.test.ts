import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryRun } from '../../src/runs/memory-run.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import { applyEvent, newState, type RunState } from '../../src/runs/run-state.ts';
import { newHeader } from './run-writer.ts';

const move = fc.record({
  type: fc.constantFrom(
    'TextDelta',
    'TextDelta',
    'TextDelta',
    'ReasoningDelta',
    'ReasoningDelta',
    'TextReplaced',
    'RunQueued',
  ),
  text: fc.string({ unit: 'grapheme', maxLength: 4 }),
  from: fc.constantFrom(null, 'n', 'm'),
  /** How far before the end of its text it begins. */
  back: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 3),
  signed: fc.constantFrom({}, {}, {}, { signed: { f: '/files/f?sign=s' } }),
});
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

function eventOf({ type, text, from, back, signed }: Move, seq: number, state: RunState): RunEvent {
  const at = 1_700_000_000_000 + seq;
  const offset = (before: string) => Math.max(0, before.length - back);
  if (type === 'TextDelta')
    return {
      type,
      seq,
      at,
      offset: offset(state.text),
      text,
      source: from === null ? null : [from, 'text'],
      ...signed,
    };
  if (type === 'ReasoningDelta')
    return { type, seq, at, offset: offset(state.reasoning), text, nodeId: from, ...signed };
  if (type === 'TextReplaced') return { type, seq, at, text, reason: from };
  return { type: 'RunQueued', seq, at, position: 0 };
}

test('every event is told as it was, and the texts as they were after it', () => {
  const history = fc.array(fc.array(move, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(history, fc.nat(50), fc.nat(50), (steps, after, most) => {
      const run = new MemoryRun(newHeader());
      const state = newState(newHeader());
      const all: RunEvent[] = [];
      const texts = [{ text: '', reasoning: '' }];
      for (const moves of steps) {
        const events = moves.map((one) => {
          const event = eventOf(one, all.length + 1, state);
          applyEvent(state, event);
          all.push(event);
          texts.push({ text: state.text, reasoning: state.reasoning });
          return event;
        });
        run.append(events);
      }
      expect(run.since(after, most)).toEqual(all.slice(after, after + most));
      expect(JSON.stringify(run.since(0))).toBe(JSON.stringify(all));
      for (const [seq, told] of texts.entries()) expect(run.at(seq)).toEqual(told);
    }),
    { numRuns: 3_000 },
  );
});
