import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf, type Json } from './client.ts';

const dataOf = (event: Json | undefined) => (event?.['data'] ?? {}) as Json;

/** The nodes as they finished. */
const finished = (events: readonly Json[]) =>
  events.filter(({ event }) => event === 'node_finished').map((event) => String(dataOf(event)['node_type']));

describe('concierge', () => {
  test('answers from its house guide, with citations', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const events = await (
      await new Client(sandbox, 'concierge').ask('When is breakfast?', { inputs: { guest: 'Ann' } })
    ).events();
    expect(finished(events)).toEqual([
      'start',
      'question-classifier',
      'if-else',
      'knowledge-retrieval',
      'llm',
      'assigner',
      'answer',
    ]);
    expect(textOf(events)).toMatch(/^Of course, Ann! Breakfast is served from 7:00 .* \[1\]\n\n— Your concierge$/);
    expect(outline(events).slice(-2)).toEqual(['workflow_finished', 'message_end']);
    expect(last(events)['metadata']).toMatchObject({
      retriever_resources: [{ position: 1, document_name: 'breakfast.md', retriever_from: 'workflow' }],
    });
    const selectors = new Set(
      events.filter(({ event }) => event === 'message').map((event) => String(event['from_variable_selector'])),
    );
    expect([...selectors]).toEqual(['llm,text', 'answer,answer']);
    expect(dataOf(events.at(-2))).toMatchObject({ status: 'succeeded', outputs: { answer: textOf(events) } });
  });

  test('takes the other branch when the guide says nothing', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const events = await (await new Client(sandbox, 'concierge').ask('Tell me a joke')).events();
    expect(finished(events)).not.toContain('knowledge-retrieval');
    expect(last(events)['metadata']).toMatchObject({ retriever_resources: [] });
  });

  test('keeps variables in the conversation, which can be read and set', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'concierge');
    const id = String(last(await (await client.ask('sauna?')).events())['conversation_id']);
    await (await client.ask('and the pool?', { conversation_id: id })).events();
    const { json } = await client.get(`/conversations/${id}/variables`);
    expect(json).toMatchObject({ limit: 20, has_more: false });
    const [questions, question] = json['data'] as Json[];
    expect(questions).toMatchObject({ name: 'questions', value_type: 'number', value: '2' });
    expect(question).toMatchObject({ name: 'last_question', value_type: 'string', value: 'and the pool?' });

    const path = `/conversations/${id}/variables/${String(question?.['id'])}`;
    expect((await client.call('PUT', path, { user: 'ann', value: 'set' })).json['value']).toBe('set');
    expect((await client.call('PUT', path, { user: 'ann', value: { a: 1 } })).json['message']).toBe(
      "Type mismatch: variable 'last_question' expects string, but got object type",
    );
    expect((await client.get(`/conversations/${id}/variables`, { variable_name: 'questions' })).status).toBe(500);
  });

  test('fails a run with workflow_finished, then error; in blocking mode with HTTP 400', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'concierge');
    const events = await (await client.ask('!fail')).events();
    expect(outline(events).slice(-3)).toEqual(['node_finished', 'workflow_finished', 'error']);
    expect(dataOf(events.at(-2))).toMatchObject({ status: 'failed', exceptions_count: 1, outputs: {} });
    expect(last(events)).toMatchObject({ code: 'invalid_param', status: 400 });
    expect(last(events)['message']).toMatch(/^Run failed: /);
    const blocking = await client.post('/chat-messages', { query: '!fail', inputs: {}, auto_generate_name: false });
    expect(blocking.status).toBe(400);
    expect(blocking.json['message']).toBe(last(events)['message']);
  });
});

describe('summarize', () => {
  const text = 'The fox jumps over everything. It rained in Köln for the whole week, day and night. Nobody came.';

  test('splits, iterates, retries and streams the summary', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const events = await (await new Client(sandbox, 'summarize').run({ text, sentences: 1, tone: 'formal' })).events();
    expect(outline(events).join(' ')).toBe(
      [
        'workflow_started node_started node_finished node_started node_finished iteration_started',
        ...Array.from({ length: 3 }, () => 'iteration_next node_started node_finished'),
        'iteration_completed node_started node_retry node_finished',
        'node_started text_chunk node_finished node_started node_finished workflow_finished',
      ].join(' '),
    );
    const { outputs, status } = dataOf(last(events));
    expect(status).toBe('succeeded');
    const summary =
      'In summary: It rained in Köln for the whole week, day and night. ' +
      'The remainder may be omitted without loss.';
    expect(outputs).toEqual({ summary, sentences: 2, words: 20 });
    const chunks = events.filter(({ event }) => event === 'text_chunk').map((event) => String(dataOf(event)['text']));
    expect(chunks.join('')).toBe(summary);
  });

  test('has two sentences in a neutral tone unless told otherwise', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const { json } = await new Client(sandbox, 'summarize').post('/workflows/run', { inputs: { text } });
    expect(dataOf(json)['outputs']).toMatchObject({ sentences: 2 });
    expect(Object.keys(dataOf(json)).slice(-2)).toEqual(['created_at', 'finished_at']);
  });

  test('makes no iteration events for an empty list', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const events = await (await new Client(sandbox, 'summarize').run({ text: '!echo done' })).events();
    expect(outline(events)).not.toContain('iteration_started');
    expect(dataOf(last(events))['outputs']).toMatchObject({ summary: 'done' });
  });

  test('fails as data: HTTP 200 in both modes, without an error event', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'summarize');
    const events = await (await client.run({ text: `${text} !fail` })).events();
    expect(last(events)).toMatchObject({ event: 'workflow_finished', data: { status: 'failed' } });
    const blocking = await client.post('/workflows/run', { inputs: { text: `${text} !fail` } });
    expect(blocking.status).toBe(200);
    expect(dataOf(blocking.json)).toMatchObject({ status: 'failed', outputs: {} });
    const faulty = await client.post('/workflows/run', { inputs: { text: `${text} !error` } });
    expect([faulty.status, dataOf(faulty.json)['status']]).toEqual([200, 'failed']);
  });

  test('can be looked up while it runs and afterwards, with inputs and outputs as JSON in strings', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'summarize');
    const events = await (await client.run({ text })).events();
    const id = String(last(events)['workflow_run_id']);
    const { json } = await client.get(`/workflows/run/${id}`);
    expect(json).toMatchObject({ id, status: 'succeeded', total_steps: 7, error: null });
    expect(JSON.parse(String(json['inputs']))).toMatchObject({ text, sentences: 2, 'sys.user_id': 'ann' });
    expect(JSON.parse(String(json['outputs']))).toEqual(dataOf(last(events))['outputs']);
    const unknown = await client.get('/workflows/run/0516cbb8-e06a-49ef-9091-46a03e4a80b7');
    expect(unknown.status).toBe(200);
    expect(Object.values(unknown.json).every((value) => value === null)).toBe(true);
  });

  test('is logged, newest first, and the log can be filtered', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'summarize');
    for (const words of ['alpha.', 'beta. !fail', 'gamma.']) await (await client.run({ text: words })).events();
    const { json } = await client.get('/workflows/logs', { limit: '2' });
    expect(json).toMatchObject({ page: 1, limit: 2, total: 3, has_more: true });
    const failed = await client.get('/workflows/logs', { status: 'failed' });
    expect(failed.json).toMatchObject({
      total: 1,
      data: [{ workflow_run: { status: 'failed', exceptions_count: 1 } }],
    });
    expect((await client.get('/workflows/logs', { keyword: 'gamma' })).json['total']).toBe(1);
    expect((await client.get('/workflows/logs', { created_by_end_user_session_id: 'bob' })).json['total']).toBe(0);
    expect((await client.get('/workflows/logs', { status: 'odd' })).status).toBe(400);
  });

  test('runs by the id of its version, and by no other', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'summarize');
    const { json } = await client.post('/workflows/run', { inputs: { text } });
    const version = String(dataOf(json)['workflow_id']);
    expect((await client.post(`/workflows/${version}/run`, { inputs: { text } })).status).toBe(200);
    const other = '68c72b98-f592-4f92-a66e-02db3ad28ed2';
    expect((await client.post(`/workflows/${other}/run`, { inputs: { text } })).json).toEqual({
      code: 'not_found',
      message: `Workflow not found with id: ${other}`,
      status: 404,
    });
  });
});
