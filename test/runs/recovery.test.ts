import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { ScriptedReply } from '../../src/sandbox/script.ts';
import {
  agentMessage,
  agentThought,
  conversationId,
  inGraph,
  message,
  messageEnd,
  messageReplace,
  node,
  ping,
  sse,
  workflowFinished,
  workflowStarted,
  type DifyFrame,
} from './dify-frames.ts';
import { openFaulty } from './faulty-dify.ts';
import { openRuns, over, textBegins } from './open-runs.ts';
import { next } from './reading.ts';

const patient = { settleMs: 5_000 };
const reset = { reset: true } as const;
const says = (...frames: readonly DifyFrame[]): ScriptedReply => ({ steps: [{ write: sse(...frames) }] });
const cut = (...frames: readonly DifyFrame[]): ScriptedReply => ({ steps: [{ write: sse(...frames) }, reset] });
const pings = Array.from({ length: 1_000 }, () => [{ write: ping }, { waitMs: 5 }]).flat();
const types = (events: readonly RunEvent[]) => events.map(({ type }) => type);
const stored = {
  id: message('')['message_id'],
  conversation_id: conversationId,
  query: 'Why?',
  answer: 'half whole',
  status: 'normal',
};
const record = { id: workflowStarted()['workflow_run_id'], status: 'succeeded', outputs: { answer: 'half whole' } };

describe('a graph whose stream is cut', () => {
  test('goes on over another stream from Dify 1.14 on: the text is whole, no node ends twice', async () => {
    await using rig = await openRuns({ version: '1.16.2', ...patient });
    const run = await rig.ask({ app: 'concierge', query: '!cut When is breakfast?' });
    const { events } = await over(rig, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', settledBy: 'STREAM', reconnects: 1, error: null });
    const of = { user: 'ann', conversationId: run.state.conversationId ?? '', limit: 1 };
    const [kept] = (await rig.dify.app('concierge')!.messages(of)).items;
    expect(run.state.text).toBe(kept?.answer);
    const ended = events.flatMap((event) =>
      event.type === 'NodeChanged' && event.node.finishedAt !== null ? [event.node.id] : [],
    );
    expect(ended).toEqual([...new Set(ended)]);
    expect(rig.questions()).toHaveLength(1);
  });

  test('of a workflow has its outputs, and its text is put right by them', async () => {
    await using rig = await openRuns({ version: '1.16.2', ...patient });
    const inputs = { text: '!cut One sentence is here. Another one is there.' };
    const run = await rig.ask({ kind: 'WORKFLOW', app: 'summarize', query: null, inputs });
    const { events } = await over(rig, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', reconnects: 1, error: null });
    expect(Object.values(run.state.outputs ?? {})).toContain(run.state.text);
    expect(events).toContainEqual(expect.objectContaining({ type: 'UpstreamRecovered', lostDetail: true }));
  });

  test('ends as its record says where it cannot be followed', async () => {
    await using rig = await openRuns({ version: '1.13.0', ...patient });
    const run = await rig.ask({ app: 'concierge', query: '!cut When is breakfast?' });
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', settledBy: 'RUN_RECORD', error: null });
    expect(run.state.text).toMatch(/Your concierge$/);
  });

  test.each(['failed', 'stopped', 'partial-succeeded'])('may have %s meanwhile', async (status) => {
    const run = () => ({ ...record, status, error: 'Boom', outputs: {} });
    await using dify = await openFaulty({ version: '1.13.0', answer: () => cut(workflowStarted()), run }, patient);
    const { run: told } = await dify.play('workflow');
    const ends = { failed: 'FAILED', stopped: 'STOPPED', 'partial-succeeded': 'PARTIAL_SUCCEEDED' } as const;
    expect(told.state).toMatchObject({ status: ends[status as keyof typeof ends], settledBy: 'RUN_RECORD' });
    expect(told.state.error?.message).toBe(status === 'failed' ? 'Boom' : undefined);
  });

  test('takes a snapshot as what it has, and more: its text goes on, and is not begun again', async () => {
    const begun = [workflowStarted(), node('started', '1'), message('half ')];
    const more = [...begun.slice(0, 1), messageReplace('half who'), node('started', '1'), message('le')];
    const end = [node('finished', '1'), messageEnd(), workflowFinished('succeeded')];
    const faults = { answer: () => cut(...begun), events: () => says(...more, ...end), message: () => stored };
    await using dify = await openFaulty(faults, patient);
    const { run, events } = await dify.play('chatflow');
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole', settledBy: 'STREAM' });
    expect(types(events)).not.toContain('TextReplaced');
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'UpstreamRecovered', by: 'STREAM', lostDetail: false }),
    );
    expect(run.state.usage?.totalTokens).toBe(102);
  });

  test('that is over by now has its text from its outputs, and its task keeps its name', async () => {
    const begun = [workflowStarted(), message('half ')];
    const finished = workflowFinished('succeeded', { outputs: { answer: 'half whole' } });
    const only = { ...finished, task_id: finished['workflow_run_id'] };
    await using dify = await openFaulty({ answer: () => cut(...begun), events: () => says(only) }, patient);
    const { run } = await dify.play('chatflow');
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole', taskId: begun[0]?.['task_id'] });
  });

  test('is followed again and again while that brings something, but not for ever', async () => {
    let opened = 0;
    const faults = {
      answer: () => cut(workflowStarted(), message('0')),
      events: () => {
        opened += 1;
        return cut(workflowStarted(), ...(opened < 8 ? [message(String(opened))] : []));
      },
    };
    await using dify = await openFaulty(faults, { settleMs: 1_000 });
    const { run } = await dify.play('chatflow');
    expect(run.state).toMatchObject({ status: 'FAILED', text: '01234567', settledBy: 'WATCHDOG' });
    expect(opened).toBeLessThan(15);
  });

  test('is followed for as long as streams stay open, though nothing is said on them', async () => {
    let opened = 0;
    const faults = {
      answer: () => cut(workflowStarted(), message('half ')),
      events: (): ScriptedReply => {
        opened += 1;
        const [snapshot, end] = [sse(workflowStarted()), sse(message('whole'), workflowFinished('succeeded', record))];
        return { steps: [{ write: snapshot }, ...(opened < 8 ? [{ waitMs: 80 }, reset] : [{ write: end }])] };
      },
    };
    await using dify = await openFaulty(faults, { settleMs: 40 });
    const { run } = await dify.play('chatflow');
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole', reconnects: 8 });
  });

  test('hears nothing more once its end is told, while its text is looked up', async () => {
    const looking = Promise.withResolvers<void>();
    const known = Promise.withResolvers<object>();
    const end = { write: sse(workflowStarted(), message('whole'), workflowFinished('succeeded')) };
    const late = { write: sse(message(' late')) };
    const faults = {
      answer: () => cut(workflowStarted(), message('half ')),
      events: () => ({ steps: [end, { until: looking.promise }, late, { waitMs: 30 }, { hang: true as const }] }),
      message: () => {
        looking.resolve();
        return known.promise;
      },
    };
    await using dify = await openFaulty(faults, patient);
    const playing = dify.play('chatflow');
    await looking.promise;
    // Time for what comes late to come.
    await sleep(60);
    known.resolve(stored);
    expect((await playing).run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole' });
  });

  test('keeps its text where Dify has stored less of it', async () => {
    const faults = {
      version: '1.13.0',
      answer: () => cut(workflowStarted(), message('half whole ')),
      run: () => record,
    };
    await using dify = await openFaulty({ ...faults, message: () => ({ ...stored, answer: 'half' }) }, patient);
    const { run } = await dify.play('chatflow');
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole ' });
  });

  test('waits for a record that is not there at first', async () => {
    let looks = 0;
    const run = () => ((looks += 1) < 3 ? null : record);
    await using dify = await openFaulty({ version: '1.13.0', answer: () => cut(workflowStarted()), run }, patient);
    expect((await dify.play('workflow')).run.state).toMatchObject({ status: 'SUCCEEDED', settledBy: 'RUN_RECORD' });
  });

  test('is of unknown end while its record says that it runs', async () => {
    const run = () => ({ ...record, status: 'running' });
    const faults = { version: '1.12.1', answer: () => cut(workflowStarted(), message('half')), run };
    await using dify = await openFaulty(faults, { settleMs: 400 });
    const { run: told } = await dify.play('chatflow');
    expect(told.state).toMatchObject({ status: 'UNKNOWN', text: 'half', error: { code: 'STREAM_INTERRUPTED' } });
  });

  test('is paused if it waits for a person by now', async () => {
    await using rig = await openRuns({ version: '1.16.2', ...patient });
    const run = await rig.ask({ app: 'concierge', query: '!cut I want to book a table' });
    const reader = run.read(0);
    for (let batch = await next(reader); batch !== null && run.state.status !== 'PAUSED';) batch = await next(reader);
    reader.close();
    expect(run.state).toMatchObject({ status: 'PAUSED', reconnects: 1 });
    expect(run.state.forms.size).toBe(1);
  });
});

describe('a chat whose stream is cut', () => {
  test.each(['1.12.1', '1.16.2'])('fails with the text it has, if Dify %s broke it off, too', async (version) => {
    await using rig = await openRuns({ version, settleMs: 600 });
    const run = await rig.ask({ query: '!cut hello' });
    await textBegins(run);
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'FAILED', error: { code: 'STREAM_INTERRUPTED', retryable: true } });
    expect(rig.questions()).toHaveLength(1);
  });

  test('has the rest of its text, its steps, its files and its sources from the conversation', async () => {
    const thought = {
      id: 't1',
      position: 1,
      thought: 'I look.',
      tool: 'search',
      tool_input: '{"q":1}',
      observation: '7',
    };
    const kept = {
      ...stored,
      agent_thoughts: [thought],
      message_files: [{ id: 'f1', type: 'image', url: '/x', belongs_to: 'assistant' }],
      retriever_resources: [{ position: 1, content: 'a passage' }],
      total_tokens: 12,
    };
    const answer = () => cut(agentThought('t1', { thought: 'I look.' }), agentMessage('half'));
    await using dify = await openFaulty({ version: '1.13.0', answer, message: () => kept }, patient);
    const { run } = await dify.play('chat');
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', settledBy: 'HISTORY', text: 'half whole', reconnects: 1 });
    expect(run.state.steps.get('t1')).toMatchObject({ tool: 'search', toolInput: { q: 1 }, observation: '7' });
    expect(run.state.files).toMatchObject([{ id: 'f1', fromUser: false }]);
    expect(run.state).toMatchObject({ citations: [{ content: 'a passage' }], usage: { totalTokens: 12 } });
  });

  test.each([
    ['nothing', ''],
    ['less', 'hal'],
    ['as much, white space aside', 'half\nwhole'],
  ])('never has less text than was streamed, though Dify 1.16 has stored %s', async (_, answer) => {
    const faults = { answer: () => cut(message('half whole')), message: () => ({ ...stored, answer }) };
    await using dify = await openFaulty(faults, { settleMs: 900 });
    const { run } = await dify.play('chat');
    expect(run.state).toMatchObject({ status: 'FAILED', text: 'half whole', error: { code: 'STREAM_INTERRUPTED' } });
  });

  test('waits until its answer does not grow any more', async () => {
    const answers = ['half w', 'half who'];
    const message_ = () => ({ ...stored, answer: answers.shift() ?? stored.answer });
    const faults = { version: '1.13.0', answer: () => cut(message('half')), message: message_ };
    await using dify = await openFaulty(faults, patient);
    expect((await dify.play('chat')).run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole' });
  });

  test('fails as its message did', async () => {
    const failed = { ...stored, answer: '', status: 'error', error: 'No model.' };
    await using dify = await openFaulty({ answer: () => cut(message('half')), message: () => failed }, patient);
    const { run } = await dify.play('chat');
    expect(run.state).toMatchObject({ status: 'FAILED', settledBy: 'HISTORY', text: 'half' });
    expect(run.state.error).toMatchObject({ code: 'UPSTREAM_ERROR', message: 'No model.' });
  });

  test('is another text by Dify’s records: then that one counts', async () => {
    const faults = { version: '1.13.0', answer: () => cut(message('bad words')), message: () => stored };
    await using dify = await openFaulty(faults, patient);
    const { run, events } = await dify.play('chat');
    expect(run.state.text).toBe('half whole');
    expect(events).toContainEqual(expect.objectContaining({ type: 'TextReplaced', reason: 'recovered' }));
  });

  test('keeps what was thought, and thinks on', async () => {
    const kept = { ...stored, answer: '<think>a long thought</think>\nhalf whole' };
    const faults = { version: '1.13.0', answer: () => cut(message('<think>a long')), message: () => kept };
    await using dify = await openFaulty(faults, patient);
    const { run, events } = await dify.play('chat');
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', reasoning: 'a long thought', text: 'half whole' });
    expect(types(events)).not.toContain('TextReplaced');
  });
});

describe('a stream that says nothing but pings', () => {
  test('is left for Dify’s record once that tells the end', async () => {
    let over = false;
    const run = () => ({ ...record, status: over ? 'succeeded' : 'running' });
    const faults = { answer: () => ({ steps: [{ write: sse(workflowStarted(), message('half ')) }, ...pings] }), run };
    await using dify = await openFaulty(faults, { quietMs: 30, ...patient });
    const asked = await dify.ask('chatflow');
    await expect.poll(() => dify.requests(String(record.id))).toBeGreaterThan(1);
    expect(asked.state.status).toBe('RUNNING');
    over = true;
    await asked.ended;
    expect(asked.state).toMatchObject({ status: 'SUCCEEDED', settledBy: 'RUN_RECORD', text: 'half whole' });
    await dify.runs.drain(2_000);
  });

  test('of a chat is left when the conversation has its whole answer', async () => {
    const faults = {
      answer: () => ({ steps: [{ write: sse(message('half whole')) }, ...pings] }),
      message: () => stored,
    };
    await using dify = await openFaulty(faults, { quietMs: 30 });
    const { run } = await dify.play('chat');
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', settledBy: 'HISTORY', text: 'half whole' });
  });
});

describe('a stop while a run is looked for', () => {
  test('ends it soon, through Dify', async () => {
    const run = () => ({ ...record, status: 'running' });
    const faults = { version: '1.13.0', answer: () => cut(inGraph('text_chunk', { text: 'half' })), run };
    await using dify = await openFaulty(faults, { settleMs: 60_000, lingerMs: 60_000 });
    const asked = await dify.ask('workflow');
    await expect.poll(() => dify.requests(String(record.id))).toBeGreaterThan(0);
    expect(await dify.runs.stop(asked, 5_000)).toBe(true);
    expect(asked.state).toMatchObject({ status: 'STOPPED', text: 'half' });
    expect(dify.requests('/stop')).toBe(1);
    const startedAt = performance.now();
    await dify.runs.drain(60_000);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('of a chat ends it as stopped: what Dify stores of a stopped answer looks like a whole one', async () => {
    const message_ = () => ({ ...stored, answer: dify.requests('/stop') > 0 ? 'half wh' : '' });
    const faults = { version: '1.13.0', answer: () => cut(message('half')), message: message_ };
    await using dify = await openFaulty(faults, { settleMs: 2_000, stopMs: 15_000 });
    const asked = await dify.ask('chat');
    await expect.poll(() => dify.requests('/messages')).toBeGreaterThan(0);
    expect(await dify.runs.stop(asked, 15_000)).toBe(true);
    expect(asked.state).toMatchObject({ status: 'STOPPED', text: 'half wh', settledBy: 'HISTORY' });
  });
});

describe('a run that goes on after a pause', () => {
  test('and cannot be followed then ends as its record says', async () => {
    const asks = inGraph('human_input_required', { form_id: 'f', node_id: 'n', actions: [] });
    const answer = () => says(workflowStarted(), asks, inGraph('workflow_paused', { reasons: [] }));
    let looks = 0;
    const run = () => ({ ...record, status: (looks += 1) < 3 ? 'paused' : 'succeeded' });
    await using dify = await openFaulty({ answer, run }, patient);
    const { run: told } = await dify.play('workflow');
    expect(told.state).toMatchObject({ status: 'SUCCEEDED', settledBy: 'RUN_RECORD', forms: new Map() });
  });
});
