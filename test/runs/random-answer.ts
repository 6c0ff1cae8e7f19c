import fc from 'fast-check';
import type { ScriptStep } from '../../src/sandbox/sandbox.ts';
import { items, wireOf, type Family } from './random-words.ts';
import { framesOf, type Frame } from './wire-frames.ts';
import { toldBy, type Told } from './wire-model.ts';

export type AnswerEnd = 'eof' | 'reset' | 'open' | 'stop' | 'silence';

/** An answer that Dify might give, how its bytes arrive, and what they say. */
export interface Answer {
  readonly kind: 'CHAT' | 'WORKFLOW';
  /** Dify's name for the work, which a stop has to give. */
  readonly task: string;
  /** How the stream is over: by itself, broken, left open after its end, or after a stop that it waited for. */
  readonly end: AnswerEnd;
  /** The pieces in which the bytes are written. */
  readonly writes: readonly Uint8Array[];
  /** What comes after the stop. */
  readonly tail: Uint8Array;
  readonly told: Told;
}

const ids = {
  conversation_id: 'c0de0000-0001-4000-8000-000000000001',
  message_id: '3e550000-0001-4000-8000-000000000001',
};

const messageEnd: Frame = {
  event: 'message_end',
  metadata: { usage: { total_tokens: 3, total_price: '6E-7' } },
  files: [],
};
/** As old versions end. */
const bareEnd: Frame = { event: 'message_end', metadata: { usage: null } };
const finished = (status: string): Frame => ({
  event: 'workflow_finished',
  data: { id: 'r', status, outputs: {}, error: status === 'failed' ? 'no' : null, total_tokens: 1, elapsed_time: 1 },
});
const failure: Frame = { event: 'error', code: 'rate_limit_error', status: 429, message: 'slow down' };

/** The events a stream may end with (§2.4); none where it breaks off before. */
const endings: Readonly<Record<Family, readonly (readonly Frame[])[]>> = {
  chat: [[messageEnd], [messageEnd], [failure], []],
  agent: [[messageEnd], [messageEnd], [failure], []],
  workflow: [[finished('succeeded')], [finished('failed')], [finished('partial-succeeded')], [failure], []],
  chatflow: [
    [finished('succeeded'), messageEnd],
    [finished('succeeded'), bareEnd],
    [messageEnd, finished('succeeded')],
    [messageEnd, finished('partial-succeeded')],
    [finished('succeeded')],
    [finished('failed'), failure],
    [finished('stopped'), messageEnd],
    [messageEnd],
    [failure],
    [],
  ],
};

interface Spelling {
  readonly task: string;
  readonly ascii: boolean;
  readonly newline: '\n' | '\r\n';
  readonly space: '' | ' ';
}

/** As orjson or as Python's own JSON would write it, with any of the line ends that proxies leave. */
function spelled(wire: Frame | string, { task, ascii, newline, space }: Spelling): string {
  if (typeof wire === 'string') return wire.replaceAll('\n', newline);
  const json = JSON.stringify({ ...wire, ...(wire['event'] === 'error' ? {} : { ...ids, task_id: task }) });
  const told = ascii
    ? json.replaceAll(/[^\0-\x7f]/g, (unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json;
  return `data:${space}${told}${newline}${newline}`;
}

/** All that is chosen at random. */
const choice = (ends: readonly AnswerEnd[]) =>
  fc.record({
    family: fc.constantFrom<Family>('chat', 'chat', 'agent', 'chatflow', 'workflow'),
    items,
    ending: fc.nat(),
    end: fc.constantFrom(...ends),
    /** A New Agent says everything once more, and this. */
    repeats: fc.constantFrom(null, '', ' And more.'),
    /** Something comes when all is over. */
    late: fc.constantFrom(false, false, true),
    unterminated: fc.boolean(),
    spelling: fc.record({
      task: fc.noBias(fc.uuid()),
      ascii: fc.boolean(),
      newline: fc.constantFrom('\n' as const, '\r\n' as const),
      space: fc.constantFrom('' as const, ' ' as const),
    }),
    borders: fc.array(fc.nat(), { maxLength: 30 }),
  });
type Choice = ReturnType<typeof choice> extends fc.Arbitrary<infer Chosen> ? Chosen : never;

/** Answers with any of these ends; one that is named twice comes twice as often. */
export function answers(ends: readonly AnswerEnd[]): fc.Arbitrary<Answer> {
  return choice(ends).map((chosen) => {
    const { family, spelling, unterminated, borders } = chosen;
    const kind = family === 'workflow' ? 'WORKFLOW' : 'CHAT';
    const stops = chosen.end === 'stop' || chosen.end === 'silence';
    const ending = stops ? [] : (endings[family][chosen.ending % endings[family].length] ?? []);
    const end = chosen.end === 'open' && ending.length === 0 ? 'eof' : chosen.end;
    const start = bytesOf(saidBy(chosen), spelling);
    const close = bytesOf([...ending, ...lateIn(chosen, ending)], spelling);
    const isCut = unterminated && end === 'eof' && ending.length > 0;
    const whole = Buffer.concat([start, isCut ? Buffer.from(String(close).trimEnd()) : close]);
    // What only a timer ends comes to its end in one piece: else the timer might not wait for the rest.
    const writes = end === 'open' ? [...written(start, borders), close] : written(whole, borders);
    const tail = bytesOf(end === 'stop' ? (endings[family][0] ?? []) : [], spelling);
    const frames = framesOf(whole);
    const told = toldBy([...frames, ...framesOf(tail)], { kind, ...(stops ? { stopAskedAt: frames.length } : {}) });
    const shown = () => JSON.stringify({ kind, end, writes: writes.map(String), tail: String(tail) }, null, 1);
    return { kind, task: spelling.task, end, writes, tail, told, [fc.toStringMethod]: shown };
  });
}

function saidBy({ family, items, repeats }: Choice): (Frame | string)[] {
  const isGraph = family === 'workflow' || family === 'chatflow';
  const start: Frame = { event: 'workflow_started', workflow_run_id: 'r', data: { id: 'r', inputs: {} } };
  const said = items.flatMap((item) => wireOf(family, item));
  const whole = said.map((wire) =>
    typeof wire === 'object' && wire['event'] === 'agent_message' ? wire['answer'] : '',
  );
  const isRepeated = family === 'agent' && repeats !== null && !items.some((item) => 'replace' in item);
  const repeated: Frame = { event: 'message', answer: whole.join('') + (repeats ?? '') };
  return [...(isGraph ? [start] : []), ...said, ...(isRepeated ? [repeated] : [])];
}

function lateIn({ family, late }: Choice, ending: readonly Frame[]): Frame[] {
  return late && family === 'chat' && ending.length > 0 ? [{ event: 'message', answer: 'too late' }] : [];
}

function bytesOf(wires: readonly (Frame | string)[], spelling: Spelling): Buffer {
  return Buffer.from(wires.map((wire) => spelled(wire, spelling)).join(''));
}

function written(bytes: Buffer, borders: readonly number[]): Buffer[] {
  const at = [0, ...borders.map((border) => border % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at
    .slice(1)
    .map((end, index) => bytes.subarray(at[index], end))
    .filter(({ length }) => length > 0);
}

/** Carries the task's name, so that a run that said nothing can be stopped. */
const marker = (task: string) => `data: ${JSON.stringify({ event: 'marker', task_id: task })}\n\n`;

/** `read` resolves when somebody has read the marker, or the end; `stopped` when Dify has been asked to stop. */
export function stepsOf(
  { task, end, writes, tail }: Answer,
  { read, stopped }: { readonly read: Promise<void>; readonly stopped: Promise<void> },
): ScriptStep[] {
  const body: ScriptStep[] = writes.map((write) => ({ write }));
  switch (end) {
    case 'eof':
      return body;
    case 'open':
      return [...body, { hang: true }];
    case 'reset':
      return [...body, { write: marker(task) }, { until: read }, { reset: true }];
    case 'stop':
      return [...body, { write: marker(task) }, { until: stopped }, { write: tail }];
    case 'silence':
      return [...body, { write: marker(task) }, { hang: true }];
  }
}
