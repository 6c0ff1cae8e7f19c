import { describe, expect, test } from 'vitest';
import { applyRunEvent, noAnswer, type Answer } from '../../examples/answer.ts';
import type { RunEventFieldsFragment as RunEvent } from './operations.generated.ts';

const runId = 'a-run';
const run = {
  __typename: 'ChatRun',
  id: runId,
  status: 'RUNNING',
  conversationId: null,
  messageId: null,
  forms: [],
  nodes: [],
  message: null,
} as const;

const attached = (seq: number, text: string): RunEvent => ({
  __typename: 'RunAttached',
  runId,
  seq,
  mode: 'SNAPSHOT',
  text,
  reasoning: '',
  run,
});
const delta = (seq: number, offset: number, text: string): RunEvent => ({
  __typename: 'TextDelta',
  runId,
  seq,
  offset,
  text,
});
const finished = (seq: number): RunEvent => ({
  __typename: 'RunFinished',
  runId,
  seq,
  status: 'SUCCEEDED',
  error: null,
  usage: null,
  run: { __typename: 'ChatRun', id: runId, status: 'SUCCEEDED', message: null },
});
const step = (seq: number, id: string, thought: string): RunEvent => ({
  __typename: 'AgentStepChanged',
  runId,
  seq,
  step: { id, position: 1, thought, tool: null, toolInput: null, observation: null },
});

function fold(events: readonly RunEvent[]): Answer {
  return events.reduce(applyRunEvent, noAnswer);
}

const once = [attached(0, ''), delta(1, 0, 'One '), delta(2, 4, 'two '), delta(3, 8, 'three'), finished(4)];

describe('applyRunEvent', () => {
  test('joins the pieces', () => {
    expect(fold(once)).toMatchObject({ seq: 4, status: 'SUCCEEDED', text: 'One two three' });
  });

  test('gives the same answer however often and wherever the subscription is lost and made again', () => {
    for (let lost = 1; lost < once.length; lost += 1) {
      for (let found = lost; found < once.length; found += 1) {
        const known = fold(once.slice(0, found));
        const events = [...once.slice(0, lost), attached(known.seq, known.text), ...once.slice(found)];
        expect(fold(events), `lost after ${lost}, found before ${found}`).toEqual(fold(once));
      }
    }
  });

  test('gives the same answer when events come twice', () => {
    expect(fold(once.flatMap((event) => [event, event]))).toEqual(fold(once));
  });

  test('begins anew when the run was begun anew, by a server that has forgotten it', () => {
    const other = [attached(0, ''), delta(1, 0, 'Uno '), delta(2, 4, 'due'), finished(3)];
    expect(fold([...once.slice(0, 4), ...other])).toEqual(fold(other));
  });

  test('starts again from a text that replaces what was there', () => {
    const replaced: RunEvent = { __typename: 'TextReplaced', runId, seq: 4, text: 'No. ', reason: null };
    expect(fold([...once.slice(0, 4), replaced, delta(5, 4, 'Never.')])).toMatchObject({ text: 'No. Never.' });
  });

  test('keeps one of each step, in its newest form, in the order of their first', () => {
    const steps = [attached(0, ''), step(1, 'a', ''), step(2, 'b', ''), step(3, 'a', 'Hm.')];
    expect(fold(steps).steps).toMatchObject([{ id: 'a', thought: 'Hm.' }, { id: 'b' }]);
  });

  test('passes over what it does not know', () => {
    const unknown = { __typename: 'Later', runId, seq: 4 } as unknown as RunEvent;
    expect(fold([...once.slice(0, 4), unknown])).toEqual({ ...fold(once.slice(0, 4)), seq: 4 });
  });
});
