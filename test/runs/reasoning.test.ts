import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnswerText } from '../../src/runs/answer-text.ts';
import { splitReasoning } from '../../src/runs/reasoning.ts';
import type { Draft, RunEvent } from '../../src/runs/run-event.ts';
import { applyEvent, newState } from '../../src/runs/run-state.ts';
import { newHeader } from './run-writer.ts';

interface Split {
  readonly text: string;
  readonly reasoning: string;
}

/** What readers have after each piece of the answer, and in the end. */
function stream(pieces: readonly string[]): {
  readonly end: Split;
  readonly steps: readonly Split[];
  raw: string | null;
} {
  const state = newState(newHeader());
  const steps: Split[] = [];
  const answer = new AnswerText((draft: Draft) => {
    applyEvent(state, { seq: state.lastSeq + 1, at: 0, ...draft } as RunEvent);
    steps.push({ text: state.text, reasoning: state.reasoning });
  }, String);
  for (const piece of pieces) answer.append(piece, null);
  answer.end();
  return { end: { text: state.text, reasoning: state.reasoning }, steps, raw: answer.raw };
}

/** Cut in three, in every way: empty parts included. */
function* cuts(whole: string): Generator<readonly string[]> {
  for (let a = 0; a <= whole.length; a += 1)
    for (let b = a; b <= whole.length; b += 1) yield [whole.slice(0, a), whole.slice(a, b), whole.slice(b)];
}

/** Each answer, and what is text and what reasoning in it. */
const answers: readonly (readonly [what: string, raw: string, text: string, reasoning: string])[] = [
  ['no tag', 'Just text.', 'Just text.', ''],
  ['nothing', '', '', ''],
  ['white space alone', ' \n', ' \n', ''],
  ['white space before text', '\n Text ', '\n Text ', ''],
  ['a block, then text', '<think>Hm.</think>Yes.', 'Yes.', 'Hm.'],
  ['white space around the tags', ' \n<think>\n Hm. \n</think>\n\n Yes. ', 'Yes. ', 'Hm.'],
  ['white space within a thought', '<think>one\n\n two</think>x', 'x', 'one\n\n two'],
  ['an empty block', '<think>\n\n</think>\n\nYes.', 'Yes.', ''],
  ['a block alone', '<think>Hm.</think>', '', 'Hm.'],
  ['a block and white space', '<think>Hm.</think> \n', '', 'Hm.'],
  ['two blocks', '<think>a</think>1<think>b</think>2', '12', 'a\n\nb'],
  ['two blocks with white space between', '<think>a</think>\n\n<think>b</think>\n2', '2', 'a\n\nb'],
  ['an empty block between two', '<think>a</think><think> </think><think>b</think>2', '2', 'a\n\nb'],
  ['a block in the middle', 'One <think>a</think> two', 'One two', 'a'],
  ['a block in the middle, alone in its paragraph', 'One\n\n<think>a</think>\n\ntwo', 'One\n\ntwo', 'a'],
  ['a block at the end', 'One <think>a</think>', 'One ', 'a'],
  ['a block that is not closed', '<think>Hm, and', '', 'Hm, and'],
  ['a block that is not closed, after text', 'One <think>Hm ', 'One ', 'Hm'],
  ['a block that is opened and no more', 'One<think>', 'One', ''],
  ['a lone closing tag', 'Hm, so.\n</think>\n\nYes.', 'Yes.', 'Hm, so.'],
  ['a lone closing tag, nothing before it', '</think>\nYes.', 'Yes.', ''],
  ['a lone closing tag, white space before it', ' \n</think>Yes.', 'Yes.', ''],
  ['a lone closing tag, nothing after it', 'Hm.</think>', '', 'Hm.'],
  ['a lone closing tag, then a block', 'a</think>1<think>b</think>2', '12', 'a\n\nb'],
  ['a `<` that is no tag', 'a < b <<c <b>x</b> <', 'a < b <<c <b>x</b> <', ''],
  ['a `<` before a tag', '<<think>a</think>b', '<b', 'a'],
  ['another tag that begins alike', '<thinking>a</thinking>', '<thinking>a</thinking>', ''],
  ['half an opening tag at the end', 'Yes <thin', 'Yes <thin', ''],
  ['half an opening tag alone', ' <thin', ' <thin', ''],
  ['half an opening tag after a block', '<think>a</think> <thin', '<thin', 'a'],
  ['half a closing tag at the end of text', 'Yes </thin', 'Yes </thin', ''],
  ['half a closing tag at the end of a thought', '<think>a </thin', '', 'a </thin'],
  ['tags in capitals', '<THINK>a</THINK>', '<THINK>a</THINK>', ''],
  ['a `<` in a thought', '<think>1 < 2 </ 3</think>x', 'x', '1 < 2 </ 3'],
  ['characters outside the plane', '<think>🤔</think>👋<think>🤔</think>👋', '👋👋', '🤔\n\n🤔'],
  ['a character of white space that is more than a blank', '\u00a0<think>\u2028a\u3000</think>\u00a0b', 'b', 'a'],
];

describe('reasoning is told from text', () => {
  test.each(answers)('in %s', (_, raw, text, reasoning) => {
    expect(splitReasoning(raw)).toEqual({ text, reasoning });
    expect(stream([raw]).end).toEqual({ text, reasoning });
  });

  test.each(answers)('in %s, wherever it is cut', (_, raw, text, reasoning) => {
    for (const pieces of cuts(raw)) expect([pieces, stream(pieces).end]).toEqual([pieces, { text, reasoning }]);
    expect(stream([...raw]).end).toEqual({ text, reasoning });
  });

  const whole = answers.filter(([what]) => !/`<`|half|alike|capitals/.test(what));

  test.each(whole)('in %s, and not a character of a tag is ever shown', (_, raw) => {
    for (const pieces of cuts(raw))
      for (const { text, reasoning } of stream(pieces).steps) expect(text + reasoning).not.toMatch(/[<>]/);
  });

  test.each(whole)('in %s, and nothing that was shown is taken back but all before a lone closing tag', (what, raw) => {
    for (const pieces of cuts(raw)) {
      const { steps, end } = stream(pieces);
      expect(steps.every(({ reasoning }) => end.reasoning.startsWith(reasoning))).toBe(true);
      if (!what.includes('lone')) expect(steps.every(({ text }) => end.text.startsWith(text))).toBe(true);
    }
  });

  test('as soon as it can be: nothing is held back without need', () => {
    const shown = (raw: string) => stream([raw, '…']).steps[0];
    expect(shown('Text ')).toEqual({ text: 'Text ', reasoning: '' });
    expect(shown('a < b')).toEqual({ text: 'a < b', reasoning: '' });
    expect(shown('a <t')).toEqual({ text: 'a ', reasoning: '' });
    expect(shown('<think>one two ')).toEqual({ text: '', reasoning: 'one two' });
  });

  test('from well-formed answers of any kind, cut anywhere', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', '<', '/', '>', 'thin', 'k', ' ', '\n', '👋'), maxLength: 8 });
    const plain = piece.filter((text) => !/<\/?think>/.test(text));
    const space = fc.constantFrom('', ' ', '\n\n');
    const blocks = fc.array(fc.record({ before: space, thought: plain, after: space, text: plain }), { maxLength: 4 });
    fc.assert(
      fc.property(plain, blocks, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (lead, parts, sizes) => {
        const raw = lead + parts.map((p) => `<think>${p.before}${p.thought}${p.after}</think>${p.text}`).join('');
        // A blank before the first tag belongs to neither, and is all the answer where there is no tag.
        const first = parts.length > 0 && lead.trim() === '' ? '' : lead;
        const text = first + parts.map((p) => p.text.trimStart()).join('');
        const thoughts = parts.map((p) => (p.before + p.thought + p.after).trim()).filter((thought) => thought !== '');
        const pieces: string[] = [];
        for (let from = 0; from < raw.length; from += pieces.at(-1)!.length)
          pieces.push(raw.slice(from, from + sizes.next().value));
        expect(stream(pieces).end).toEqual({ text, reasoning: thoughts.join('\n\n') });
      }),
      { numRuns: 500 },
    );
  });

  test('the same from any soup of tags, whole or cut', () => {
    const soup = fc.array(fc.constantFrom('<think>', '</think>', '<', 'think>', '</', 'a', ' ', '\n', 'b c'), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(soup, fc.nat(), fc.nat(), (parts, a, b) => {
        const raw = parts.join('');
        const [from, to] = [a % (raw.length + 1), b % (raw.length + 1)].toSorted((x, y) => x - y);
        const whole = splitReasoning(raw);
        for (const pieces of [[raw.slice(0, from), raw.slice(from, to), raw.slice(to)], [...raw], parts])
          expect(stream(pieces).end).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});

describe('an answer with tags', () => {
  test('C34 is split although its tags come in pieces, and kept as it was', () => {
    const pieces = [
      '<thi',
      'nk>\n',
      'The user asks 17*3. ',
      '17*3 = 51.',
      '\n</th',
      'ink>',
      '\n\n',
      '17 × 3 = **51**',
      '.',
      '',
    ];
    const { end, steps, raw } = stream(pieces);
    expect(end).toEqual({ text: '17 × 3 = **51**.', reasoning: 'The user asks 17*3. 17*3 = 51.' });
    expect(raw).toBe(pieces.join(''));
    expect(steps.some(({ text, reasoning }) => /[<>]|think/.test(text + reasoning))).toBe(false);
  });

  test('C35 begins with reasoning although only its end is marked', () => {
    const { end, steps, raw } = stream(['The user asks', ' 17*3.\n</thi', 'nk>\n\n51', '.']);
    expect(end).toEqual({ text: '51.', reasoning: 'The user asks 17*3.' });
    expect(steps[0]).toEqual({ text: 'The user asks', reasoning: '' });
    expect(raw).toBe('The user asks 17*3.\n</think>\n\n51.');
  });

  test('C36 is all reasoning when its tag is never closed', () => {
    const { end, raw } = stream(['<think>', 'The user', ' asks']);
    expect(end).toEqual({ text: '', reasoning: 'The user asks' });
    expect(raw).toBe('<think>The user asks');
  });

  test('has no raw text of its own when there are no tags', () => {
    expect(stream(['a', ' <', 'b']).raw).toBeNull();
  });
});
