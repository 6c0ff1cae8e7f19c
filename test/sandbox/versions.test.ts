import { describe, expect, test } from 'vitest';
import { openSandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { featuresOf } from '../../src/sandbox/versions.ts';
import { Client, last, outline, parse, textOf, type Json, type Stream } from './client.ts';

/** Pings soon, and replies that end soon when nothing more is said. */
const soon: SandboxOptions = { pace: 0, pingMs: 40, relayIdleMs: 300 };

const frames = async (stream: Stream) => {
  const all: string[] = [];
  for await (const frame of stream) all.push(frame);
  return all;
};

const isPing = (frame: string) => frame === 'event: ping';

describe('a version', () => {
  test('has what came with it or before', () => {
    expect(featuresOf('1.12.1')).toMatchObject({ relay: false, humanInput: false, newAgent: false });
    expect(featuresOf('1.13.0')).toMatchObject({ relay: true, humanInput: false });
    expect(featuresOf('1.14.2')).toMatchObject({ humanInput: true, separatedReasoning: false, stopsAsFailed: true });
    expect(featuresOf('1.15.0')).toMatchObject({ separatedReasoning: true, tidy: false, stopsAsFailed: false });
    expect(featuresOf('1.16.1')).toMatchObject({ tidy: true, brokenResume: true });
    expect(featuresOf('1.16.2')).toMatchObject({ brokenResume: false });
    expect(featuresOf('2.0')).toMatchObject({ newAgent: true });
  });

  test('decides which apps there are', async () => {
    const added = async (version: string) => {
      await using sandbox = await openSandbox({ version });
      return sandbox.apps.map(({ name }) => name).slice(8);
    };
    expect(await added('1.12.1')).toEqual([]);
    expect(await added('1.14.2')).toEqual(['approval']);
    expect(await added('1.16.0')).toEqual(['approval', 'companion']);
  });
});

describe('the stream of a graph, from 1.13 on', () => {
  test('begins with a ping and ends with `workflow_finished`, after `message_end`', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.14.2' });
    const all = await frames(await new Client(sandbox, 'concierge').ask('When is breakfast?'));
    expect(all[0]).toBe('event: ping');
    const events = all.filter((frame) => !isPing(frame)).map(parse);
    expect(outline(events).slice(-2)).toEqual(['message_end', 'workflow_finished']);
    expect(events[0]?.['data']).toMatchObject({ reason: 'initial' });
    const { json } = await new Client(sandbox, 'concierge').get('/messages', {
      conversation_id: String(events[0]?.['conversation_id']),
    });
    expect((json['data'] as Json[])[0]).toMatchObject({ answer: textOf(events).trim(), extra_contents: [] });
  });

  test('tells of bad inputs with a bare error and goes on pinging until nothing has been said for long', async () => {
    await using sandbox = await openSandbox({ ...soon, version: '1.14.2' });
    const stream = await new Client(sandbox, 'summarize').run({});
    expect(stream.response.status).toBe(200);
    const all = await frames(stream);
    expect(all.slice(0, 2)).toEqual([
      'event: ping',
      'data: {"event":"error","message":"text is required in input form","status":500}',
    ]);
    expect(all.slice(2).length).toBeGreaterThan(2);
    expect(all.slice(2).every(isPing)).toBe(true);
  });

  test('does not even tell that in 1.13', async () => {
    await using sandbox = await openSandbox({ ...soon, version: '1.13.2' });
    const all = await frames(await new Client(sandbox, 'summarize').run({}));
    expect(all.every(isPing)).toBe(true);
  });

  test('breaks where `!cut` asks for it, blocking or not, and the run goes on', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const client = new Client(sandbox, 'summarize');
    await expect(client.run({ text: 'One. !cut' }).then((stream) => stream.events())).rejects.toThrow('terminated');
    await expect(client.post('/workflows/run', { inputs: { text: 'One. !cut' } })).rejects.toThrow('fetch failed');
    const { json } = await client.get('/workflows/logs', { status: 'succeeded' });
    expect(json['total']).toBe(2);
  });

  test('also stays open after an error of the model, and after an annotation', async () => {
    await using sandbox = await openSandbox({ ...soon, version: '1.15.0' });
    const client = new Client(sandbox, 'concierge');
    const failed = await frames(await client.ask('!error'));
    expect(failed.slice(-2).every(isPing)).toBe(true);
    expect(parse(failed.filter((frame) => !isPing(frame)).at(-1) ?? '')).toMatchObject({ event: 'error', status: 429 });
    await client.call('POST', '/apps/annotations', { question: 'Who?', answer: 'Me.' });
    const setting = { score_threshold: 1, embedding_provider_name: 'a', embedding_model_name: 'b' };
    await client.call('POST', '/apps/annotation-reply/enable', setting);
    const annotated = await frames(await client.ask('Who?'));
    expect(outline(annotated.filter((frame) => !isPing(frame)).map(parse))).toEqual(['message', 'message_end']);
    expect(annotated.slice(-2).every(isPing)).toBe(true);
  });

  test('does not tell what comes after the end: of a failed chatflow no `error`, of a stopped one no `message_end`', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const client = new Client(sandbox, 'concierge');
    const failed = await (await client.ask('!fail')).events();
    expect(last(failed)).toMatchObject({ event: 'workflow_finished', data: { status: 'failed' } });
    const stream = await client.ask('!slow:60 hello');
    const events: Json[] = [];
    for await (const frame of stream) {
      if (isPing(frame)) continue;
      events.push(parse(frame));
      if (events.length === 1) await client.post(`/chat-messages/${String(events[0]?.['task_id'])}/stop`);
    }
    expect(last(events)).toMatchObject({
      event: 'workflow_finished',
      data: { status: 'stopped', error: 'Stopped by user.' },
    });
  });

  test('goes on when its reader has gone, and the answer is kept', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.14.2' });
    const client = new Client(sandbox, 'concierge');
    const { conversation_id, workflow_run_id } = await (await client.ask('!long:500')).until(() => true);
    const finished = last(await (await client.follow(workflow_run_id, { continue_on_pause: 'x' })).events());
    expect(finished).toMatchObject({ event: 'workflow_finished', data: { status: 'succeeded' } });
    const { json } = await client.get('/messages', { conversation_id: String(conversation_id) });
    expect((json['data'] as Json[])[0]?.['answer']).toMatch(/^1 2 3 .*— Your concierge$/s);
  });

  test('looks a conversation up in the worker up to 1.15, before it begins from 1.16 on', async () => {
    const conversation_id = '0516cbb8-e06a-49ef-9091-46a03e4a80b7';
    const ask = async (version: string) => {
      await using sandbox = await openSandbox({ ...soon, version });
      const { response } = await new Client(sandbox, 'concierge').ask('Hi', { conversation_id });
      const text = await response.text();
      return [response.status, text.includes('"message":"Conversation Not Exists.')];
    };
    expect(await ask('1.15.0')).toEqual([200, true]);
    expect(await ask('1.16.0')).toEqual([404, false]);
  });

  test('is refused over HTTP when it is not asked to stream', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.0' });
    const { status, json } = await new Client(sandbox, 'summarize').post('/workflows/run', { inputs: {} });
    expect([status, json['code']]).toEqual([400, 'invalid_param']);
    const blocking = await new Client(sandbox, 'summarize').post('/workflows/run', { inputs: { text: 'One.' } });
    expect(blocking.json['data']).toMatchObject({ status: 'succeeded' });
    const chat = await new Client(sandbox, 'concierge').post('/chat-messages', { query: 'Hi', inputs: {} });
    expect(chat.json).toMatchObject({
      event: 'message',
      mode: 'advanced-chat',
      metadata: { reasoning: { llm: expect.any(String) as string } },
    });
  });
});

describe('the record of a run, from 1.13 on', () => {
  test('has its outputs as an object, and unknown ones are not found', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.14.2' });
    const client = new Client(sandbox, 'summarize');
    const id = last(await (await client.run({ text: 'One.' })).events())['workflow_run_id'];
    const { json } = await client.get(`/workflows/run/${String(id)}`);
    expect(json).toMatchObject({ inputs: expect.any(String) as string, outputs: { sentences: 1 } });
    expect((await client.get('/workflows/run/0516cbb8-e06a-49ef-9091-46a03e4a80b7')).status).toBe(404);
  });
});

describe('a stop in 1.14', () => {
  test('makes a graph fail, with a text that begins `Aborted`', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.14.2' });
    const client = new Client(sandbox, 'summarize');
    const events: Json[] = [];
    for await (const frame of await client.run({ text: 'One. !slow:60' })) {
      if (isPing(frame)) continue;
      events.push(parse(frame));
      if (events.length === 1) await client.post(`/workflows/tasks/${String(events[0]?.['task_id'])}/stop`);
    }
    expect(last(events)['data']).toMatchObject({ status: 'failed', error: 'Aborted: User requested stop' });
  });
});

describe('reasoning apart from the answer, from 1.15 on', () => {
  test('comes in chunks; from 1.16 on it is in the metadata, too', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.0' });
    const events = await (await new Client(sandbox, 'concierge').ask('When is breakfast?')).events();
    const chunks = events.filter(({ event }) => event === 'reasoning_chunk').map(({ data }) => data as Json);
    const thought = chunks.map(({ reasoning }) => String(reasoning)).join('');
    expect(thought).toBe('The house guide has 1 passage on that.');
    expect(chunks.map(({ is_final }) => is_final)).toEqual([...chunks.slice(1).map(() => false), true]);
    const end = events.find(({ event }) => event === 'message_end');
    expect(end?.['metadata']).toMatchObject({ reasoning: { llm: thought } });
    await using older = await openSandbox({ pace: 0, version: '1.14.2' });
    expect(outline(await (await new Client(older, 'concierge').ask('Hi')).events())).not.toContain('reasoning_chunk');
  });
});

test.each([
  ['1.12.1', ''],
  ['1.14.2', 'One two'],
])('an answer of an easy-UI app goes on when nobody reads it: %s keeps “%s”', async (version, kept) => {
  await using sandbox = await openSandbox({ version });
  const client = new Client(sandbox, 'assistant');
  const cut = new AbortController();
  const { conversation_id } = await (await client.ask('!echo One two', {}, cut.signal)).until(() => true);
  cut.abort();
  const after = await client.ask('!echo Three four five', { conversation_id });
  await after.until(({ event }) => event === 'message_end');
  const { json } = await client.get('/messages', { conversation_id: String(conversation_id) });
  expect((json['data'] as Json[])[0]).toMatchObject({ answer: kept, status: 'normal' });
});

describe('easy-UI apps from 1.16 on', () => {
  test('send empty lists instead of null, and /messages tells tokens and prices', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.0' });
    const client = new Client(sandbox, 'assistant');
    const events = await (await client.ask('hello')).events();
    expect(events[0]).toMatchObject({ event: 'message', from_variable_selector: [] });
    expect(last(events)).toMatchObject({ event: 'message_end', files: [] });
    expect(Object.keys(last(events)['metadata'] as Json)).toEqual(['retriever_resources', 'usage', 'reasoning']);
    const { json } = await client.get('/messages', { conversation_id: String(last(events)['conversation_id']) });
    const { usage } = last(events)['metadata'] as { usage: Json };
    expect((json['data'] as Json[])[0]).toMatchObject({
      total_tokens: usage['total_tokens'],
      total_price: usage['total_price'],
      currency: 'USD',
    });
  });

  test('stop when nobody reads, and the message says so', async () => {
    await using sandbox = await openSandbox({ version: '1.16.0' });
    const client = new Client(sandbox, 'assistant');
    const cut = new AbortController();
    const { conversation_id } = await (await client.ask('!long', {}, cut.signal)).until(() => true);
    const message = async () => {
      const { json } = await client.get('/messages', { conversation_id: String(conversation_id) });
      return (json['data'] as Json[])[0];
    };
    let found = await message();
    while (found?.['status'] === 'normal') found = await message();
    expect(found).toMatchObject({
      answer: '',
      status: 'error',
      error: 'Client response stream closed before app execution completed',
    });
  });
});

describe('an agent of the new kind', () => {
  test('says its whole answer once more at the end', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.0' });
    const client = new Client(sandbox, 'companion');
    const asked = { user: 'ann', query: 'the moon', inputs: {}, auto_generate_name: false };
    // Without a mode it streams.
    const text = await (await client.fetch('POST', '/chat-messages', asked)).text();
    const events = text
      .split('\n\n')
      .filter((frame) => frame.startsWith('data: '))
      .map(parse);
    expect(outline(events)).toEqual([
      'agent_thought',
      'agent_message',
      'agent_thought',
      'agent_message',
      'agent_thought',
      'message',
      'message_end',
    ]);
    const preview = events.filter(({ event }) => event === 'agent_message').map(({ answer }) => String(answer));
    const [whole] = events.filter(({ event }) => event === 'message');
    expect(whole?.['answer']).toBe(preview.join(''));
    const conversation_id = String(last(events)['conversation_id']);
    const { json } = await client.get('/messages', { conversation_id });
    expect((json['data'] as Json[])[0]?.['answer']).toBe(preview.join('').trim());
    expect((await client.get(`/conversations/${conversation_id}/variables`)).status).toBe(400);
  });

  test('does not block, and stopped keeps nothing', async () => {
    await using sandbox = await openSandbox({ version: '1.16.0' });
    const client = new Client(sandbox, 'companion');
    const blocking = await client.post('/chat-messages', { query: 'x', inputs: {}, response_mode: 'blocking' });
    expect([blocking.status, blocking.json['code']]).toEqual([400, 'bad_request']);
    const events: Json[] = [];
    for await (const frame of await client.ask('!long the moon')) {
      events.push(parse(frame));
      if (events.length === 3) await client.post(`/chat-messages/${String(events[0]?.['task_id'])}/stop`);
    }
    expect(outline(events)).not.toContain('message');
    expect(last(events)['event']).toBe('message_end');
    const { json } = await client.get('/messages', { conversation_id: String(last(events)['conversation_id']) });
    expect((json['data'] as Json[])[0]?.['answer']).toBe('');
  });
});
