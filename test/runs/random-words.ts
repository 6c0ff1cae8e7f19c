import fc from 'fast-check';
import type { Frame } from './wire-frames.ts';

/** Kinds of apps, which say the same in different words. */
export type Family = 'chat' | 'agent' | 'chatflow' | 'workflow';

/** Letters of all sizes, halves of letters, what may become an address, and tags, whole and in pieces. */
const atoms = [
  'a',
  'Hello ',
  ' ',
  '\n',
  'ö',
  '中文',
  'e\u0301',
  '😀',
  '👩‍👩‍👧',
  '\u2028',
  '\ud83d',
  '\ude00',
  '\0',
  '"\\',
  '{{',
  ' h',
  'https://',
  '/files/',
];
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
const saying = (text: fc.Arbitrary<string>) =>
  fc.record({ say: text, cuts: few, asFile: fc.constantFrom(false, false, true) });
/** More events than a reader may be behind without getting them merged. */
const longSaying = fc.nat({ max: 300 }).map((more) => ({
  say: 'x😀'.repeat(150 + more),
  cuts: Array.from({ length: 280 + more }, (_, at) => at),
  asFile: false,
}));
const id = fc.constantFrom('one', 'two');
const orEmpty = (text: string) => fc.constantFrom('', '', text);

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
  fc.record({
    event: fc.constant('message_file'),
    id,
    type: fc.constant('image'),
    belongs_to: fc.constant('assistant'),
    url: fc.constant('/f'),
  }),
  fc.record({
    event: fc.constantFrom('agent_log', 'a_later_event'),
    data: fc.record({ id, label: fc.constant('log'), status: fc.constant('start') }),
  }),
);
const raw = fc.constantFrom('event: ping\n\n', ': keep-alive\n\n', 'data: hello\n\n', 'id: 7\nretry: 10\n\n');

export type Item =
  | { readonly say: string; readonly cuts: readonly number[]; readonly asFile: boolean }
  | { readonly replace: string }
  | { readonly reason: string; readonly node: string }
  | { readonly frame: Frame }
  | { readonly raw: string };

const itemsOf = (text: fc.Arbitrary<string>, reasons: boolean): fc.Arbitrary<Item[]> =>
  fc.array(
    fc.oneof(
      { weight: 10, arbitrary: saying(text) as fc.Arbitrary<Item> },
      { weight: 1, arbitrary: fc.record({ replace: text }) },
      { weight: reasons ? 3 : 0, arbitrary: fc.record({ reason: plain, node: fc.constantFrom('n1', 'n2') }) },
      { weight: 6, arbitrary: fc.record({ frame: event as fc.Arbitrary<Frame> }) },
      { weight: 2, arbitrary: fc.record({ raw }) },
    ),
    { maxLength: 14 },
  );
/** What an app may do before its end. */
export const items = fc.oneof(
  { weight: 60, arbitrary: itemsOf(tagged, false) },
  { weight: 20, arbitrary: itemsOf(plain, true) },
  { weight: 2, arbitrary: fc.tuple(longSaying, itemsOf(plain, false)).map(([long, more]) => [long, ...more]) },
);

/** As this kind of app says it: frames, and lines that are none. */
export function wireOf(family: Family, item: Item): (Frame | string)[] {
  if ('raw' in item) return [item.raw];
  if ('frame' in item) return [item.frame];
  if ('reason' in item) return [{ event: 'reasoning_chunk', data: { reasoning: item.reason, node_id: item.node } }];
  if ('replace' in item) {
    if (family === 'workflow') return [{ event: 'text_replace', data: { text: item.replace } }];
    return [{ event: 'message_replace', answer: item.replace, reason: 'output_moderation' }];
  }
  return pieces(item.say, item.cuts).map((text) => {
    if (family === 'workflow') return { event: 'text_chunk', data: { text, from_variable_selector: ['n1', 'text'] } };
    // A message that owns a file tells its text under the wrong name (§2.5).
    const event = family === 'agent' ? 'agent_message' : item.asFile ? 'message_file' : 'message';
    return { event, answer: text, from_variable_selector: [] };
  });
}
