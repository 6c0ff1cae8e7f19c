import { describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, type Answer } from './client.ts';
import { recording } from './recordings.ts';

const chat = { query: 'x', inputs: {}, response_mode: 'streaming' };

/** Each recorded error, how to provoke it, and the words that are our apps' own. */
type Recorded = readonly [
  name: string,
  provoke: (sandbox: Sandbox) => Promise<Answer | Response>,
  ours?: Readonly<Record<string, string>>,
];

const recorded: readonly Recorded[] = [
  ['errors/01-no-auth', (sandbox) => fetch(`${sandbox.url}/info`)],
  ['errors/03-bad-scheme', ({ url }) => fetch(`${url}/info`, { headers: { authorization: 'Basic abc' } })],
  ['errors/05-wrong-method', (sandbox) => new Client(sandbox, 'assistant').get('/chat-messages')],
  ['errors/07-wrong-mode-chat', (sandbox) => new Client(sandbox, 'summarize').post('/chat-messages', chat)],
  ['errors/09-chat-missing-user', (sandbox) => new Client(sandbox, 'assistant').call('POST', '/chat-messages', chat)],
  [
    'errors/11-chat-missing-inputs',
    (sandbox) =>
      new Client(sandbox, 'assistant').call('POST', '/chat-messages', {
        query: 'x',
        response_mode: 'streaming',
        user: 'rec-user',
      }),
  ],
  [
    'errors/13-chat-bad-json',
    ({ url, apps }) =>
      fetch(`${url}/chat-messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apps[0]?.key ?? ''}`, 'content-type': 'application/json' },
        body: '{not json',
      }),
  ],
  [
    'errors/15-chat-unknown-conversation',
    (sandbox) =>
      new Client(sandbox, 'assistant').post('/chat-messages', {
        ...chat,
        conversation_id: 'b1266522-d07c-48f6-88e2-af5ba4fa8579',
      }),
  ],
  [
    'errors/17-wf-missing-required',
    (sandbox) => new Client(sandbox, 'summarize').post('/workflows/run', { inputs: {} }),
    { name: 'text' },
  ],
  [
    'errors/19-wf-bad-select',
    (sandbox) => new Client(sandbox, 'summarize').post('/workflows/run', { inputs: { text: 'a', tone: 'zzz' } }),
    { 'mode in': 'tone in', "'a', 'b'": "'neutral', 'friendly', 'formal'" },
  ],
  [
    'errors/21-wf-by-id-unknown',
    (sandbox) =>
      new Client(sandbox, 'summarize').post('/workflows/68c72b98-f592-4f92-a66e-02db3ad28ed2/run', {
        inputs: { text: 'a' },
      }),
  ],
  [
    'errors/23-stop-unknown-task',
    (sandbox) => new Client(sandbox, 'summarize').post('/workflows/tasks/4cdf6e69-d88b-4b6e-a43a-1293b37c37d8/stop'),
  ],
  [
    'errors/25-messages-unknown-conversation',
    (sandbox) =>
      new Client(sandbox, 'assistant').get('/messages', { conversation_id: '0516cbb8-e06a-49ef-9091-46a03e4a80b7' }),
  ],
  [
    'errors/27-suggested-unknown-message',
    (sandbox) => new Client(sandbox, 'assistant').get('/messages/52c90b3e-e7ea-43f3-9cf2-bcacb77ff322/suggested'),
  ],
  [
    'chat-errors/07-blocking-ratelimit',
    (sandbox) =>
      new Client(sandbox, 'assistant').post('/chat-messages', {
        query: '!error',
        inputs: {},
        auto_generate_name: false,
      }),
    { 'slow down': 'Rate limit reached for the sandbox model. Please try again in 20s.' },
  ],
];

describe('an error', () => {
  test.each(recorded.map(([name, provoke, ours = {}]) => ({ name, provoke, ours })))(
    'is byte for byte as recorded: $name',
    async ({ name, provoke, ours }) => {
      await using sandbox = await openSandbox({ pace: 0 });
      const reply = await provoke(sandbox);
      const text = reply instanceof Response ? await reply.text() : reply.text;
      const { status, body, headers } = recording(name);
      const expected = Object.entries(ours).reduce((all, [theirs, own]) => all.replace(theirs, own), body);
      expect(text).toBe(expected);
      expect(reply.status).toBe(status);
      expect(reply.headers.get('content-type')).toBe(headers['Content-Type']);
      expect(reply.headers.get('x-version')).toBe(headers['X-Version']);
    },
  );

  test('is a challenge when the key is unknown', async () => {
    await using sandbox = await openSandbox();
    const reply = await fetch(`${sandbox.url}/info`, { headers: { authorization: 'Bearer app-nobody' } });
    expect(reply.status).toBe(401);
    expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="api"');
    expect(await reply.json()).toMatchObject({ code: 'unauthorized', message: 'Access token is invalid' });
  });

  test('is an HTML page for a route that does not exist, and for a path that needs a UUID', async () => {
    await using sandbox = await openSandbox();
    const client = new Client(sandbox, 'assistant');
    for (const path of ['/nothing', '/messages/123/suggested']) {
      const { status, headers, text } = await client.get(path);
      expect(status).toBe(404);
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(text).toMatch(/^<!doctype html>/);
    }
  });

  test('is 415 for a body that is not JSON, 400 for an empty one and 500 for an array', async () => {
    await using sandbox = await openSandbox();
    const key = `Bearer ${sandbox.apps[0]?.key ?? ''}`;
    const post = (type: string, body: string) =>
      fetch(`${sandbox.url}/chat-messages`, {
        method: 'POST',
        headers: { authorization: key, 'content-type': type },
        body,
      });
    expect((await post('text/plain', 'x')).status).toBe(415);
    expect((await post('application/json', '')).status).toBe(400);
    const array = await post('application/json', '[]');
    expect(await array.text()).toBe(recording('chatflow/19-variables-by-name').body);
  });

  test('names a missing key before a bad body, and a missing user before the wrong mode', async () => {
    await using sandbox = await openSandbox();
    const bare = await fetch(`${sandbox.url}/chat-messages`, { method: 'POST', body: '{' });
    expect(bare.status).toBe(401);
    const { json } = await new Client(sandbox, 'summarize').call('POST', '/chat-messages', {});
    expect(json['message']).toBe('Arg user must be provided.');
  });

  test('speaks like pydantic about wrong types, and shows the start and the end of what came', async () => {
    await using sandbox = await openSandbox();
    const { json } = await new Client(sandbox, 'assistant').post('/chat-messages', {
      query: 5,
      inputs: [],
      response_mode: 'fast',
      conversation_id: 'no',
    });
    const url = 'https://errors.pydantic.dev/2.10/v';
    expect(String(json['message']).split('\n')).toEqual([
      '4 validation errors for ChatRequestPayload',
      'inputs',
      '  Input should be a valid dictionary [type=dict_type, input_value=[], input_type=list]',
      `    For further information visit ${url}/dict_type`,
      'response_mode',
      "  Input should be 'blocking' or 'streaming' [type=literal_error, input_value='fast', input_type=str]",
      `    For further information visit ${url}/literal_error`,
      'query',
      '  Input should be a valid string [type=string_type, input_value=5, input_type=int]',
      `    For further information visit ${url}/string_type`,
      'conversation_id',
      "  Value error, conversation_id must be a valid UUID [type=value_error, input_value='no', input_type=str]",
      `    For further information visit ${url}/value_error`,
    ]);
  });

  test('names the input that is wrong', async () => {
    await using sandbox = await openSandbox();
    const client = new Client(sandbox, 'summarize');
    const message = async (inputs: Record<string, unknown>) =>
      (await client.post('/workflows/run', { inputs })).json['message'];
    expect(await message({ text: 'a', sentences: 'many' })).toBe('sentences in input form must be a valid number');
    expect(await message({ text: 7 })).toBe("(type 'paragraph') text in input form must be a string");
    expect(await message({ text: 'a'.repeat(20_001) })).toBe('text in input form must be less than 20000 characters');
  });
});
