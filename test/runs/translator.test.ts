import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/runs/ending.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import { applyEvent, newState } from '../../src/runs/run-state.ts';
import { Translator } from '../../src/runs/translator.ts';
import {
  agentMessage,
  agentThought,
  conversationId,
  error,
  inGraph,
  message,
  messageEnd,
  messageReplace,
  node,
  taskId,
  tts,
  wire,
  workflowFinished,
  workflowStarted,
  type DifyFrame,
} from './dify-frames.ts';
import { newHeader } from './run-writer.ts';

const succeeded: Outcome = { status: 'SUCCEEDED', error: null };

/** The events of a whole run, and what they add up to. */
function fold(frames: readonly DifyFrame[], outcome = succeeded) {
  const translator = new Translator();
  const events: RunEvent[] = [];
  for (const event of wire(...frames)) events.push(...translator.translate([event], 1_000));
  events.push(...translator.finish(outcome, 2_000));
  const state = newState(newHeader());
  for (const event of events) applyEvent(state, event);
  const of = <T extends RunEvent['type']>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  return { events, state, of };
}

describe('what Dify says becomes events', () => {
  test('numbered from 1 without holes, in the order of the stream, the end last', () => {
    const { events } = fold([message('a'), agentThought('1', { thought: 'x' }), message('b'), messageEnd()]);
    expect(events.map(({ seq, at, type }) => [seq, at, type])).toEqual([
      [1, 1_000, 'RunStarted'],
      [2, 1_000, 'TextDelta'],
      [3, 1_000, 'AgentStepChanged'],
      [4, 1_000, 'TextDelta'],
      [5, 2_000, 'RunFinished'],
    ]);
  });

  test('the same for one read of the stream as for many', () => {
    const frames = [message('a'), message('<thi'), message('nk>b</think>c'), messageEnd()];
    const together = new Translator();
    const events = [...together.translate(wire(...frames), 1_000), ...together.finish(succeeded, 2_000)];
    expect(events).toEqual(fold(frames).events);
  });

  test('with the ids as soon as they are known, and again when there are more', () => {
    const { of, state } = fold([
      message('', { task_id: undefined }),
      message('a'),
      message('b'),
      { ...workflowStarted(), conversation_id: null, message_id: null },
    ]);
    expect(of('RunStarted').map(({ taskId: task, workflowRunId }) => [task, workflowRunId !== null])).toEqual([
      [null, false],
      [taskId, false],
      [taskId, true],
    ]);
    expect(state).toMatchObject({ taskId, conversationId });
  });

  test('none for an empty piece of text', () => {
    expect(fold([message(''), message(''), messageEnd()]).of('TextDelta')).toEqual([]);
  });

  test('C67 one for a name that is not known', () => {
    const { of } = fold([{ event: 'foo_bar', task_id: taskId, note: [1] }, messageEnd()]);
    expect(of('UnknownEvent')).toMatchObject([{ name: 'foo_bar', data: { note: [1] } }]);
  });

  test('C69 each state of a log entry', () => {
    const log = (status: string) => inGraph('agent_log', { id: 'l1', label: 'CALL', status, node_id: 'n1', data: {} });
    expect(fold([log('start'), log('success')]).of('AgentLogged')).toMatchObject([
      { id: 'l1', status: 'start' },
      { id: 'l1', status: 'success' },
    ]);
  });

  test('C73 a form as answered at the end of its node, where Dify does not say that it was filled in', () => {
    const form = { form_id: 'f', node_id: 'n', form_token: 't' };
    const outputs = { __action_id: 'approve', __rendered_content: 'Fine' };
    const frames = [
      inGraph('human_input_required', form),
      inGraph('workflow_paused', { reasons: [form] }),
      inGraph('node_finished', { id: 'e', node_id: 'n', node_type: 'human-input', status: 'succeeded', outputs }),
    ];
    expect(fold(frames).of('RunResumed')).toMatchObject([{ formId: 'f', action: 'approve', timedOut: false }]);
    expect(fold(frames).state.forms.size).toBe(0);
  });

  test('C58 a pause with its form, and how that was answered', () => {
    const data = { form_id: 'f', node_id: 'n', form_token: 'secret', action_id: 'approve' };
    const asked = ['human_input_required', 'workflow_paused', 'human_input_form_filled'].map((event) =>
      inGraph(event, { ...data, reasons: [data] }),
    );
    expect(fold(asked).of('RunPaused')).toMatchObject([{ forms: [{ id: 'f', nodeId: 'n', token: 'secret' }] }]);
    expect(fold(asked).of('RunResumed')).toMatchObject([{ formId: 'f', action: 'approve', timedOut: false }]);
  });

  test('C39 audio piece by piece, as it came', () => {
    expect(fold([tts('AA=='), tts('BB=='), tts('')]).of('AudioChunk')).toMatchObject([
      { base64: 'AA==', final: false },
      { base64: 'BB==', final: false },
      { base64: '', final: true },
    ]);
  });
});

describe('text', () => {
  test.each<[string, DifyFrame[], string]>([
    ['C25 adds up, empty pieces or not', [message(''), message('a'), message('')], 'a'],
    ['C26 is replaced', [message('a'), messageReplace('X')], 'X'],
    [
      'C27 is replaced, goes on, is replaced again',
      [message('a'), messageReplace('X'), message('b'), messageReplace('Y')],
      'Y',
    ],
    ['goes on after what replaced it', [message('a'), messageReplace('X'), message(' b')], 'X b'],
    ['C28 is replaced without a reason', [message('a'), messageReplace('X', {})], 'X'],
    [
      'C29 comes as message_file, too',
      [
        { event: 'message_file', id: 'f1', type: 'image', belongs_to: 'assistant', url: '/f1.png' },
        { ...message('t'), event: 'message_file' },
      ],
      't',
    ],
    [
      'C32 of a new agent is repeated whole, and counts once',
      [agentMessage('He'), agentMessage('llo'), message('Hello')],
      'Hello',
    ],
    ['of a new agent may go on where it is repeated', [agentMessage('He'), message('Hello')], 'Hello'],
    ['of a new agent may be repeated with other white space', [agentMessage('\nHello '), message('Hello')], '\nHello '],
    ['C33 of an agent that thinks aloud is all kept', [agentMessage('Thought… '), agentMessage('42')], 'Thought… 42'],
    [
      'C37 stays replaced whatever the workflow put out',
      [workflowStarted(), message('Die PIN'), messageReplace('Nein.'), messageEnd(), workflowFinished('succeeded')],
      'Nein.',
    ],
    [
      'of a workflow comes as text_chunk and text_replace',
      [
        inGraph('text_chunk', { text: 'a' }),
        inGraph('text_replace', { text: 'X' }),
        inGraph('text_chunk', { text: 'b' }),
      ],
      'Xb',
    ],
    ['C41 is kept when the answer fails', [message('half'), error('rate_limit_error', 429, 'x')], 'half'],
  ])('%s', (_, frames, text) => {
    const { state, events } = fold(frames);
    expect(state.text).toBe(text);
    let folded = '';
    for (const event of events) {
      if (event.type === 'TextReplaced') folded = event.text;
      if (event.type !== 'TextDelta') continue;
      expect(event.offset).toBe(folded.length);
      folded += event.text;
    }
    expect(folded).toBe(text);
  });

  test('C28 tells why it was replaced, where Dify does', () => {
    const reasons = [{}, { reason: '' }, { reason: 'output_moderation' }].map(
      (over) => fold([messageReplace('X', over)]).of('TextReplaced')[0]?.reason,
    );
    expect(reasons).toEqual([null, null, 'output_moderation']);
  });

  test('names the node it comes from, where Dify does', () => {
    const { of } = fold([message('a', { from_variable_selector: ['n1', 'text'] }), message('b')]);
    expect(of('TextDelta').map(({ source }) => source)).toEqual([['n1', 'text'], null]);
  });

  test('shows what was held back when the run ends', () => {
    expect(fold([message('a <thi')]).state.text).toBe('a <thi');
  });
});

describe('reasoning', () => {
  const chunk = (reasoning: string, node_id = 'n1', is_final = false) =>
    inGraph('reasoning_chunk', { reasoning, node_id, is_final });

  test('C70 that Dify has separated adds up', () => {
    const { state, of } = fold([
      chunk('Der Nutzer '),
      chunk('fragt.'),
      chunk('', 'n1', true),
      message('a'),
      messageEnd(),
    ]);
    expect(state).toMatchObject({ reasoning: 'Der Nutzer fragt.', text: 'a', rawText: null });
    expect(of('ReasoningDelta').map(({ offset, nodeId }) => [offset, nodeId])).toEqual([
      [0, 'n1'],
      [11, 'n1'],
    ]);
  });

  test('of another node is a block of its own', () => {
    expect(fold([chunk('one'), chunk('two', 'n2'), chunk('!', 'n2')]).state.reasoning).toBe('one\n\ntwo!');
  });

  test('C36 is marked by the raw text where the answer has tags', () => {
    const { state } = fold([message('<think>Hm'), messageEnd()]);
    expect(state).toMatchObject({ text: '', reasoning: 'Hm', rawText: '<think>Hm' });
  });
});

describe('the end', () => {
  test('C44 has usage and citations of message_end', () => {
    const citations = [{ position: 1, document_name: 'koeln.md', score: 0.8, content: 'Der Dom' }];
    const { state } = fold([
      message('a'),
      messageEnd({ usage: { total_tokens: 513, total_price: '6E-7' }, retriever_resources: citations }),
    ]);
    expect(state.usage).toMatchObject({ totalTokens: 513, totalPrice: '0.0000006', promptTokens: null });
    expect(state.citations).toMatchObject([{ position: 1, documentName: 'koeln.md', datasetId: null }]);
  });

  test('tells as many tokens as GraphQL can count', () => {
    const most = 2 ** 31 - 1;
    const usage = { prompt_tokens: 1.5, completion_tokens: -1, total_tokens: 2 ** 31 };
    expect(fold([message('a'), messageEnd({ usage })]).state.usage).toMatchObject({
      promptTokens: 2,
      completionTokens: 0,
      totalTokens: most,
    });
    const nodes = ['1', '2'].flatMap((id) => {
      const data = { status: 'succeeded', execution_metadata: { total_tokens: most } };
      return [node('started', id), node('finished', id, data)];
    });
    expect(fold([workflowStarted(), ...nodes]).state.usage).toMatchObject({ totalTokens: most, source: 'NODE_SUM' });
  });

  test('C45 keeps the usage of message_end whichever comes last', () => {
    const ends = [messageEnd(), workflowFinished('succeeded')];
    for (const frames of [ends, ends.toReversed()]) {
      expect(fold([workflowStarted(), ...frames]).state).toMatchObject({
        usage: { totalTokens: 102 },
        outputs: { answer: 'done' },
      });
    }
  });

  test('C46 has the tokens of the workflow where there is no message_end', () => {
    expect(fold([workflowStarted(), workflowFinished('succeeded')]).state.usage).toMatchObject({
      totalTokens: 50,
      latencySeconds: 1.2,
      totalPrice: null,
    });
  });

  test('names the node that failed, and stops those that were open', () => {
    const error = { code: 'UPSTREAM_ERROR', message: 'x', retryable: true, retryAfterMs: null } as const;
    const { state, events } = fold(
      [workflowStarted(), node('started', '1'), node('started', '2'), node('finished', '1', { status: 'failed' })],
      { status: 'FAILED', error: { ...error, difyCode: null, difyStatus: null, nodeId: null } },
    );
    expect(state.error?.nodeId).toBe('node-1');
    expect(state.nodes.get('2')?.status).toBe('STOPPED');
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['NodeChanged', 'RunFinished']);
    expect(state.progress).toEqual({ started: 2, finished: 2, failed: 1, current: [] });
  });

  test('names no node where the run went well after all', () => {
    const frames = [workflowStarted(), node('finished', '1', { status: 'failed' }), workflowFinished('succeeded')];
    expect(fold(frames).state.error).toBeNull();
  });

  test('brings the files of the workflow, each once', () => {
    const file = { id: 'f1', type: 'image', filename: 'a.png', mime_type: 'image/png', size: 9 };
    const { of } = fold([
      workflowStarted(),
      { ...messageEnd(), files: [file] },
      workflowFinished('succeeded', { files: [file, { ...file, id: 'f2' }] }),
    ]);
    expect(of('FileProduced').map(({ file: { id, name, fromUser } }) => [id, name, fromUser])).toEqual([
      ['f1', 'a.png', false],
      ['f2', 'a.png', false],
    ]);
  });
});
