import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf, type Json } from './client.ts';

describe('assistant', () => {
  test('streams its answer in pieces and ends with message_end', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const stream = await new Client(sandbox, 'assistant').ask('hello');
    expect(stream.response.status).toBe(200);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(stream.response.headers.get('x-version')).toBe('1.12.1');
    const events = await stream.events();
    expect(outline(events)).toEqual(['message', 'message_end']);
    expect(events.length).toBeGreaterThan(8);
    expect(textOf(events)).toContain('Hello! 👋');
  });

  test('answers the same to the same question of the same conversation', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const answers = await Promise.all(
      ['ann', 'bob'].map(async (user) =>
        textOf(await (await new Client(sandbox, 'assistant', user).ask('Why?')).events()),
      ),
    );
    expect(answers[0]).toContain('“Why?”');
    expect(answers[0]).toBe(answers[1]);
  });

  test('remembers the conversation', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const first = await (await client.ask('What is this sandbox?')).events();
    const id = last(first)['conversation_id'];
    const second = await (await client.ask('And what else?', { conversation_id: id })).events();
    expect(last(second)['conversation_id']).toBe(id);
    expect(textOf(second)).toContain('turn 2');
    expect(textOf(second)).toContain('Earlier you asked “What is this sandbox?”');
  });

  test('lists the magic words when asked for help', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const text = textOf(await (await new Client(sandbox, 'assistant').ask('help')).events());
    expect(text).toContain('`!silence` ');
    expect(text).toContain('`!slow` ');
    for (const app of ['thinker', 'researcher', 'concierge']) {
      expect(textOf(await (await new Client(sandbox, app).ask('help')).events())).toContain('`!silence` ');
    }
  });

  test.each([
    ['What is this sandbox?', /stand-in|speaks HTTP like Dify/],
    ['How do I connect a real Dify?', /API Access/],
    ['Show me some markdown', /\| Deutsch \| Grüß dich \|/],
    ['Danke!', /welcome/],
    ['你好', /“你好”.*沙盒/],
    ['こんにちは', /「こんにちは」/],
    ['Was ist das?', /„Was ist das\?“.*äöüß/],
    ['', /“nothing at all”/],
  ])('knows what to say to %j', async (question, expected) => {
    await using sandbox = await openSandbox({ pace: 0 });
    expect(textOf(await (await new Client(sandbox, 'assistant').ask(question)).events())).toMatch(expected);
  });

  test('answers in one piece in blocking mode', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const asked = { query: 'hello', inputs: {}, auto_generate_name: false };
    const { status, headers, text, json } = await client.post('/chat-messages', asked);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(json['answer']).toContain('👋');
    // As `json.dumps` writes it: ASCII only, spaced, without a newline.
    expect(text).toContain('\\ud83d\\udc4b');
    expect(text).toMatch(/^\{"event": "message", .*\}$/);
  });

  test('holds its first turn back for a second while it makes a title, then sends one burst', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const startedAt = performance.now();
    const stream = await client.ask('What is the meaning of life?', { auto_generate_name: true });
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    await stream.events();
    const { json } = await client.get('/conversations');
    expect(json['data']).toMatchObject([{ name: 'What is the meaning of life' }]);
  });

  test('streams at once and cuts the name from the question when no title is wanted', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const startedAt = performance.now();
    await (await client.ask('What is the meaning of life?')).events();
    expect(performance.now() - startedAt).toBeLessThan(700);
    const { json } = await client.get('/conversations');
    expect(json['data']).toMatchObject([{ name: 'What is the meaning …' }]);
  });

  test('writes at the pace of a model', async () => {
    await using sandbox = await openSandbox();
    const stream = await new Client(sandbox, 'assistant').ask('!echo one two three four five six seven eight nine ten');
    const startedAt = performance.now();
    const events = await stream.events();
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = events.length / seconds;
    expect(rate).toBeGreaterThan(15);
    expect(rate).toBeLessThan(35);
  });
});

describe('thinker', () => {
  test('thinks in tags that are split over frames, then answers', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const events = await (await new Client(sandbox, 'thinker').ask('Why is the sky blue?')).events();
    const text = textOf(events);
    expect(text).toMatch(/^<think>\n[^<]+\n<\/think>\n\nHaving thought about it/);
    const whole = events.filter(({ answer }) => /<think>|<\/think>/.test(String(answer)));
    expect(whole).toEqual([]);
  });
});

describe('copywriter', () => {
  test('completes without a conversation', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'copywriter');
    const inputs = { product: 'Grüner Tee', tone: 'friendly' };
    const events = await (await client.stream('/completion-messages', { inputs })).events();
    expect(outline(events)).toEqual(['message', 'message_end']);
    expect(Object.keys(last(events)).slice(0, 4)).toEqual(['event', 'message_id', 'created_at', 'task_id']);
    expect(textOf(events)).toContain('Grüner Tee');
    const blocking = await client.post('/completion-messages', { inputs });
    expect(blocking.json).toMatchObject({ event: 'message', mode: 'completion', answer: textOf(events) });
    expect('conversation_id' in blocking.json).toBe(false);
  });
});

describe('researcher', () => {
  test('uses tools in a first round and answers in a second', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'researcher');
    const events = await (await client.ask('How far is the moon, and what is 12 * (3 + 4)?')).events();
    expect(outline(events)).toEqual([
      'agent_thought',
      'agent_message',
      'agent_thought',
      'agent_message',
      'agent_thought',
      'message_end',
    ]);
    const thoughts = events.filter(({ event }) => event === 'agent_thought');
    expect(thoughts.map(({ position }) => position)).toEqual([1, 1, 1, 2, 2]);
    expect(thoughts[2]).toMatchObject({ id: thoughts[0]?.['id'], tool: 'search;calculator' });
    expect(JSON.parse(String(thoughts[2]?.['observation']))).toMatchObject({ calculator: '12 * (3 + 4) = 84' });

    const { json } = await client.get('/messages', { conversation_id: String(last(events)['conversation_id']) });
    const [message] = json['data'] as Json[];
    expect(message?.['agent_thoughts']).toHaveLength(2);
    expect(message?.['answer']).toMatch(/^Let me look that up and do the sum\.\nOn “How far/);
  });

  test('refuses to answer in blocking mode', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const { status, json } = await new Client(sandbox, 'researcher').post('/chat-messages', { query: 'x', inputs: {} });
    expect(status).toBe(400);
    expect(json['code']).toBe('invalid_param');
  });
});
