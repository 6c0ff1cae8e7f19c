import { describe, expect, test } from 'vitest';
import { parseEvent } from '../../src/dify/parse-event.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import { applyEvent, newState } from '../../src/runs/run-state.ts';
import { textFile } from '../../src/runs/text-files.ts';
import { Translator } from '../../src/runs/translator.ts';
import { agentMessage, inGraph, message, messageEnd, messageReplace, type DifyFrame } from './dify-frames.ts';
import { newHeader } from './run-writer.ts';

const id = '7001f11e-0003-4000-8000-000000000001';
const at = (sign: string, file = id) => `https://dify.test/files/tools/${file}.png?timestamp=1&nonce=2&sign=${sign}`;
const own = `/own/${id}`;

/** A run of these frames, each read by itself. */
function run(frames: readonly DifyFrame[], address?: ConstructorParameters<typeof Translator>[1]) {
  let made = 0;
  const make = address ?? ((url) => `/own/${textFile(url)?.id ?? ''}${(made += 1) > 1 ? `#${made}` : ''}`);
  const translator = new Translator(true, make);
  const steps = frames.map((frame) => translator.translate([parseEvent(String(frame['event']), frame)], 1));
  steps.push(translator.finish({ status: 'SUCCEEDED', error: null }, 2));
  const state = newState(newHeader());
  const events = steps.flat();
  for (const event of events) applyEvent(state, event);
  const of = <T extends RunEvent['type']>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  return { state, events, of, steps };
}

describe('the files in the texts of a run', () => {
  test('have one address each, whoever names them and however Dify signs them', () => {
    const { state } = run([message(`a ${at('x')} b`), message(` c ${at('y')} d`), messageEnd()]);
    expect(state.text).toBe(`a ${own} b c ${own} d`);
  });

  test('are known to the run by their newest signature, and to no event besides', () => {
    const { state, events } = run([message(`a ${at('x')} b`), message(` c ${at('y')} d`), messageEnd()]);
    expect([...state.signed]).toEqual([[id, at('y')]]);
    expect(events.filter(({ signed }) => signed).map(({ type, signed }) => [type, signed])).toEqual([
      ['TextDelta', { [id]: at('x') }],
      ['TextDelta', { [id]: at('y') }],
    ]);
  });

  test('are found in reasoning that Dify has separated, wherever it is cut, and at its end', () => {
    const thought = `See ${at('x')} there`;
    for (let cut = 1; cut < thought.length; cut += 1) {
      const chunks = [thought.slice(0, cut), thought.slice(cut)].map((reasoning) =>
        inGraph('reasoning_chunk', { reasoning, node_id: 'n' }),
      );
      expect(run([...chunks, messageEnd()]).state.reasoning).toBe(`See ${own} there`);
    }
    const of = (node_id: string, reasoning: string) => inGraph('reasoning_chunk', { reasoning, node_id });
    const chunks = [...at('x')].map((piece) => of('n', piece));
    const { of: events, state } = run([...chunks, of('o', at('y')), of('o', '/o'), messageEnd()]);
    expect(state.reasoning).toBe(`${own}\n\n${own}/o`);
    expect(events('ReasoningDelta').map(({ nodeId }) => nodeId)).toEqual(['n', 'o', 'o']);
  });

  test('lead nowhere where they cannot be read', () => {
    const { state } = run([message(`a ${at('x')} b`), messageEnd()], () => null);
    expect(state.text).toBe('a about:blank b');
    const strange = `//dify.test/%/files/tools/${id}.png?timestamp=1&nonce=2&sign=x`;
    expect(run([message(strange), messageEnd()]).state.text).not.toContain('sign=');
  });

  test('make no difference between the text and what the app sent', () => {
    const { state } = run([message(`a ${at('x')}`), messageEnd()]);
    expect([state.text, state.rawText]).toEqual([`a ${own}`, null]);
    const thinking = run([message(`<think>${at('x')}</think>a ${at('x')}`), messageEnd()]);
    expect(thinking.state.rawText).toBe(`<think>${own}</think>a ${own}`);
    expect(thinking.state.reasoning).toBe(own);
  });

  test('are recognised in an answer that is repeated, and in a snapshot that is signed anew', () => {
    const said = [agentMessage('See '), agentMessage(at('x').slice(0, 60)), agentMessage(at('x').slice(60))];
    expect(run([...said, message(`See ${at('x')}`), messageEnd()]).state.text).toBe(`See ${own}`);
    const { of, state } = run([
      message(`See ${at('x')} and`),
      messageReplace(`See ${at('y')} and`),
      message(' more'),
      messageEnd(),
    ]);
    expect(of('TextReplaced')).toEqual([]);
    expect(state.text).toBe(`See ${own} and more`);
  });

  test('are found where what replaces the text ends within an address', () => {
    const cut = at('x').indexOf('/files') + 9;
    const { state } = run([
      message('old'),
      messageReplace(`new ${at('x').slice(0, cut)}`),
      message(at('x').slice(cut)),
      messageEnd(),
    ]);
    expect(state.text).toBe(`new ${own}`);
    expect(run([message('old'), messageReplace('both and/or'), message('!')]).of('TextReplaced')).toMatchObject([
      { text: 'both and/or' },
    ]);
  });

  test('lose nothing of a thought that is open when the text is replaced', () => {
    const { state } = run([message('<think>a'), message(' </a'), messageReplace('new'), messageEnd()]);
    expect([state.text, state.reasoning]).toEqual(['new', 'a </a']);
  });

  test('keep no text back while the run waits for a person, or once the text is whole', () => {
    const form = { form_id: 'f', node_id: 'n', form_content: `See ${at('x')}`, form_token: 't' };
    const { of, steps } = run([
      message('See https://example.com/a'),
      inGraph('human_input_required', form),
      inGraph('workflow_paused', { reasons: [form] }),
    ]);
    expect(steps.map((events) => events.map(({ type }) => type))).toEqual(
      [['RunStarted', 'TextDelta'], ['RunStarted'], ['TextDelta', 'RunPaused'], ['RunFinished']].map((types) =>
        expect.arrayContaining(types),
      ),
    );
    expect(of('RunPaused')).toMatchObject([{ forms: [{ content: `See ${own}`, token: 't' }] }]);
    const ended = run([message('See https://example.com/a'), messageEnd()]);
    expect(ended.steps[1]).toMatchObject([{ type: 'TextDelta', text: 'https://example.com/a' }]);
  });
});
