import fc from 'fast-check';
import type { ScriptStep } from '../../src/sandbox/sandbox.ts';
import { framesOf, type Frame } from './wire-frames.ts';
import { toldBy, type Told } from './wire-model.ts';

/** An answer that Dify might give, how its bytes arrive, and what they say. */
export interface Answer {
  readonly kind: 'CHAT' | 'WORKFLOW';
  /** How the stream is over: by itself, broken, left open after its end, or after a stop that it waited for. */
  readonly end: 'eof' | 'reset' | 'open' | 'stop' | 'silence';
  /** The pieces in which the bytes are written. */
  readonly writes: readonly Uint8Array[];
  /** What comes after the stop. */
  readonly tail: Uint8Array;
  readonly told: Told;
}

const ids = {
  conversation_id: 'c0de0000-0001-4000-8000-000000000001',
  message_id: '3e550000-0001-4000-8000-000000000001',
  task_id: '7a5c0000-0001-4000-8000-000000000001',
};
type Family = 'chat' | 'agent' | 'chatflow' | 'workflow';

/** Letters of all sizes, halves of letters, and tags, whole and in pieces. */
const atoms = ['a', 'Hello ', ' ', '\n', 'ö', '中文', 'e\u0301', '😀', '👩‍👩‍👧', '\u2028', '\ud83d', '\ude00', '\0', '"\\', '{{'];
const tags = ['<think>', '</think>', '<thi', 'nk>', '</thi', '<', '>', '</'];
const plain = fc.array(fc.constantFrom(...atoms), { maxLength: 6 }).map((parts) => parts.join(''));
const tagged = fc
  .array(fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...atoms) }, fc.constantFrom(...tags)), { maxLength: 8 })
  .map((parts) => parts.join(''));

/** Cut anywhere, also within a pair of surrogates; an empty piece is a piece. */
function pieces(text: string, cuts: readonly number[]): string[] {
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

const few = fc.array(fc.nat(), { maxLength: 4 });
const saying = (text: fc.Arbitrary<string>) => fc.record({ say: text, cuts: few });
/** More events than a reader may be behind without getting them merged. */
const longSaying = fc.nat({ max: 300 }).map((more) => ({ say: 'x😀'.repeat(150 + more), cuts: Array.from({ length: 280 + more }, (_, at) => at) }));
const id = fc.constantFrom('one', 'two', 'three');
const orEmpty = (text: string) => fc.constantFrom('', text, `${text} again`);

const event = fc.oneof(
  fc.record({
    event: fc.constant('agent_thought'),
    id,
    position: fc.constant(1),
    thought: orEmpty('thought'),
    observation: orEmpty('observation'),
    tool: orEmpty('tool'),
    tool_input: fc.constantFrom('', '{"tool": {"a": 1}}', 'no JSON'),
    message_files: fc.constantFrom([], ['file']),
  }),
  fc.record({ event: fc.constant('message_file'), id, type: fc.constant('image'), belongs_to: fc.constant('assistant'), url: fc.constant('/f') }),
  fc.record({ event: fc.constantFrom('agent_log', 'a_later_event'), data: fc.record({ id, label: fc.constant('log'), status: fc.constant('start') }) }),
);
const raw = fc.constantFrom('event: ping\n\n', ': keep-alive\n\n', 'data: hello\n\n', 'id: 7\nretry: 10\n\n');

type Item = { readonly say: string; readonly cuts: readonly number[] } | { readonly replace: string } | { readonly reason: string; readonly node: string } | { readonly frame: Frame } | { readonly raw: string };

const itemsOf = (text: fc.Arbitrary<string>, reasons: boolean): fc.Arbitrary<Item[]> =>
  fc.array(
    fc.oneof(
      { weight: 10, arbitrary: saying(text) as fc.Arbitrary<Item> },
      { weight: 1, arbitrary: fc.record({ replace: text }) },
      { weight: reasons ? 3 : 0, arbitrary: fc.record({ reason: plain, node: fc.constantFrom('n1', 'n2') }) },
      { weight: 2, arbitrary: fc.record({ frame: event as fc.Arbitrary<Frame> }) },
      { weight: 2, arbitrary: fc.record({ raw }) },
    ),
    { maxLength: 14 },
  );
const items = fc.oneof(
  { weight: 60, arbitrary: itemsOf(tagged, false) },
  { weight: 20, arbitrary: itemsOf(plain, true) },
  { weight: 2, arbitrary: fc.tuple(longSaying, itemsOf(plain, false)).map(([long, more]) => [long, ...more]) },
);

function wireOf(family: Family, item: Item): (Frame | string)[] {
  if ('raw' in item) return [item.raw];
  if ('frame' in item) return [item.frame];
  if ('reason' in item) return [{ event: 'reasoning_chunk', data: { reasoning: item.reason, node_id: item.node } }];
  if ('replace' in item) {
    if (family === 'workflow') return [{ event: 'text_replace', data: { text: item.replace } }];
    return [{ event: 'message_replace', answer: item.replace, reason: 'output_moderation' }];
  }
  return pieces(item.say, item.cuts).map((text) => {
    if (family === 'workflow') return { event: 'text_chunk', data: { text, from_variable_selector: ['n1', 'text'] } };
    return { event: family === 'agent' ? 'agent_message' : 'message', answer: text, from_variable_selector: [] };
  });
}

const messageEnd: Frame = { event: 'message_end', metadata: { usage: { total_tokens: 3, total_price: '6E-7' } }, files: [] };
const finished = (status: string): Frame => ({ event: 'workflow_finished', data: { id: 'r', status, outputs: {}, error: status === 'failed' ? 'no' : null, total_tokens: 1, elapsed_time: 1 } });
const failure: Frame = { event: 'error', code: 'rate_limit_error', status: 429, message: 'slow down' };

/** The events a stream may end with (§2.4); none where it breaks off before. */
const endings: Readonly<Record<Family, readonly (readonly Frame[])[]>> = {
  chat: [[messageEnd], [messageEnd], [failure], []],
  agent: [[messageEnd], [messageEnd], [failure], []],
  workflow: [[finished('succeeded')], [finished('failed')], [finished('partial-succeeded')], [failure], []],
  chatflow: [
    [finished('succeeded'), messageEnd],
    [messageEnd, finished('succeeded')],
    [finished('succeeded')],
    [finished('failed'), failure],
    [finished('stopped'), messageEnd],
    [messageEnd],
    [failure],
    [],
  ],
};

interface Spelling {
  readonly ascii: boolean;
  readonly newline: '\n' | '\r\n';
  readonly space: '' | ' ';
}

/** As orjson or as Python's own JSON would write it, with any of the line ends that proxies leave. */
function spelled(wire: Frame | string, { ascii, newline, space }: Spelling): string {
  if (typeof wire === 'string') return wire.replaceAll('\n', newline);
  const json = JSON.stringify({ ...wire, ...(wire['event'] === 'error' ? {} : ids) });
  const told = ascii ? json.replaceAll(/[^\0-\x7f]/g, (unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : json;
  return `data:${space}${told}${newline}${newline}`;
}

export const answer: fc.Arbitrary<Answer> = fc
  .record({
    family: fc.constantFrom<Family>('chat', 'chat', 'agent', 'chatflow', 'workflow'),
    items,
    ending: fc.nat(),
    end: fc.constantFrom('eof' as const, 'eof' as const, 'reset' as const, 'open' as const, 'stop' as const, 'silence' as const),
    /** A New Agent says everything once more. */
    repeats: fc.boolean(),
    /** Events that come too late. */
    after: fc.constantFrom(0, 0, 1),
    unterminated: fc.boolean(),
    spelling: fc.record({ ascii: fc.boolean(), newline: fc.constantFrom('\n' as const, '\r\n' as const), space: fc.constantFrom('' as const, ' ' as const) }),
    borders: fc.array(fc.nat(), { maxLength: 30 }),
  })
  .map(({ family, ending, spelling, ...chosen }) => {
    const kind = family === 'workflow' ? 'WORKFLOW' : 'CHAT';
    const graph: Frame[] = family === 'workflow' || family === 'chatflow' ? [{ event: 'workflow_started', workflow_run_id: 'r', data: { id: 'r', inputs: {} } }] : [];
    const said = chosen.items.flatMap((item) => wireOf(family, item));
    const whole = said.map((wire) => (typeof wire === 'object' && wire['event'] === 'agent_message' ? String(wire['answer']) : '')).join('');
    const repeated: Frame[] = family === 'agent' && chosen.repeats && !chosen.items.some((item) => 'replace' in item) ? [{ event: 'message', answer: whole }] : [];
    const stops = chosen.end === 'stop' || chosen.end === 'silence';
    const last = stops ? [] : (endings[family][ending % endings[family].length] ?? []);
    const late: Frame[] = chosen.after > 0 && last.length > 0 && family === 'chat' ? [{ event: 'message', answer: 'too late' }] : [];
    const text = [...graph, ...said, ...repeated, ...last, ...late].map((wire) => spelled(wire, spelling)).join('');
    const end = chosen.end === 'open' && last.length === 0 ? 'eof' : chosen.end;
    const isCut = chosen.unterminated && end === 'eof' && last.length > 0;
    const bytes = Buffer.from(isCut ? text.trimEnd() : text);
    const tail = chosen.end === 'stop' ? Buffer.from((endings[family][0] ?? []).map((wire) => spelled(wire, spelling)).join('')) : Buffer.alloc(0);
    const frames = framesOf(bytes);
    const all = [...frames, ...framesOf(tail)];
    const told = toldBy(all, { kind, ...(stops ? { stopAskedAt: frames.length } : {}) });
    return { kind, end, writes: written(bytes, chosen.borders), tail, told };
  });

function written(bytes: Buffer, borders: readonly number[]): Uint8Array[] {
  const at = [0, ...borders.map((border) => border % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end)).filter(({ length }) => length > 0);
}

/** Carries the task's name, so that a run that said nothing can be stopped. */
export const marker = `data: ${JSON.stringify({ event: 'marker', ...ids })}\n\n`;

/** `read` resolves when somebody has read the marker, or the end; `stopped` when Dify has been asked to stop. */
export function stepsOf({ end, writes, tail }: Answer, { read, stopped }: { readonly read: Promise<void>; readonly stopped: Promise<void> }): ScriptStep[] {
  const body: ScriptStep[] = writes.map((write) => ({ write }));
  switch (end) {
    case 'eof':
      return body;
    case 'open':
      return [...body, { hang: true }];
    case 'reset':
      return [...body, { write: marker }, { until: read }, { reset: true }];
    case 'stop':
      return [...body, { write: marker }, { until: stopped }, { write: tail }];
    case 'silence':
      return [...body, { write: marker }, { hang: true }];
  }
}
