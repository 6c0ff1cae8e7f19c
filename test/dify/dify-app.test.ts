import { describe, expect, it } from 'vitest';
import type { WireEvent } from '../../src/dify/wire-event.ts';
import { answers } from './answering.ts';
import { client, never, openSse, recorded, sendJson, serve, type Exchange } from './fake-server.ts';

const info = { name: 'n', description: 'd', tags: ['t'], mode: 'chat', author_name: null };
const page = { limit: 1, has_more: false, data: [] };
const user = 'u/ü&1';

describe('asking', () => {
  const done = (exchange: Exchange) => openSse(exchange).end();

  it('sends a question with everything that streaming needs', async () => {
    await using server = await serve(done);
    await using dify = client(`${server.baseUrl}/`);
    await (await dify.one.chat({ query: 'Köln?', user, inputs: { a: 1 }, conversationId: 'c' }, never)).read(() => {});
    await (await dify.one.chat({ query: '', user, inputs: {} }, never)).read(() => {});
    const [first, second] = server.requests;
    expect(first).toMatchObject({ method: 'POST', url: '/v1/chat-messages' });
    expect(first!.headers['content-type']).toBe('application/json');
    expect(JSON.parse(first!.body)).toEqual({
      query: 'Köln?',
      user,
      inputs: { a: 1 },
      conversation_id: 'c',
      response_mode: 'streaming',
      auto_generate_name: false,
    });
    expect(JSON.parse(second!.body)).not.toHaveProperty('conversation_id');
  });

  it('runs a workflow', async () => {
    await using server = await serve(done);
    await using dify = client(server.baseUrl);
    await (await dify.one.runWorkflow({ user, inputs: { a: 1 } }, never)).read(() => {});
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/v1/workflows/run' });
    expect(JSON.parse(server.requests[0]!.body)).toEqual({ user, inputs: { a: 1 }, response_mode: 'streaming' });
  });

  it('completes a text as recorded', async () => {
    await using server = await serve((exchange) => openSse(exchange).end(recorded('completion/01-stream.sse')));
    await using dify = client(server.baseUrl);
    const events: WireEvent[] = [];
    const stream = await dify.one.complete({ user, inputs: {} }, never);
    expect(await stream.read((some) => void events.push(...some))).toEqual({ by: 'eof' });
    expect(events.at(-1)).toMatchObject({ event: 'message_end' });
    await server.empty();
  });

  it.each([429, 500, 502, 503, 504, 524])('C83 never asks again after HTTP %i', async (status) => {
    await using server = await answers([status, { code: 'x', message: 'y' }]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.chat({ query: '', user, inputs: {} }, never)).rejects.toMatchObject({ difyStatus: status });
    expect(server.requests).toHaveLength(1);
  });

  it('hands on the time to wait', async () => {
    await using server = await serve((exchange) =>
      sendJson(exchange, 429, { code: 'rate_limit_error', message: 'm' }, { 'retry-after': '3' }),
    );
    await using dify = client(server.baseUrl);
    const asked = dify.one.chat({ query: '', user, inputs: {} }, never);
    await expect(asked).rejects.toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterMs: 3000, message: 'm' });
  });

  it.each([
    ['chat', '/v1/chat-messages/t%2F1/stop'],
    ['workflow', '/v1/workflows/tasks/t%2F1/stop'],
  ] as const)('stops a task of a %s app', async (kind, url) => {
    await using server = await answers([200, { result: 'success' }]);
    await using dify = client(server.baseUrl);
    await dify.one.stop({ kind, taskId: 't/1', user });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url, body: JSON.stringify({ user }) });
  });
});

describe('reading', () => {
  it('knows the app, once for all who ask', async () => {
    await using server = await answers([200, info]);
    await using dify = client(server.baseUrl);
    const [first, second] = await Promise.all([dify.one.info(), dify.one.info()]);
    expect(first).toEqual({ name: 'n', description: 'd', tags: ['t'], mode: 'chat', authorName: null });
    expect(second).toBe(first);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: 'GET', url: '/v1/info' });
  });

  it('reads the parameters', async () => {
    const speech = { enabled: true, autoPlay: 'enabled' };
    await using server = await answers([
      200,
      { opening_statement: 'Hi', suggested_questions: ['a'], text_to_speech: speech },
    ]);
    await using dify = client(server.baseUrl);
    const read = { openingStatement: 'Hi', suggestedQuestions: ['a'], autoPlay: true, inputs: [] };
    expect(await dify.one.parameters()).toMatchObject(read);
  });

  it('does not keep a failure', async () => {
    await using server = await answers([401, { code: 'unauthorized', message: 'no' }], [200, info]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.info()).rejects.toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED' });
    expect(await dify.one.info()).toMatchObject({ mode: 'chat' });
  });

  it('reads a recorded page of conversations', async () => {
    await using server = await answers([200, recorded('chat/19-conversations-sorted.json').toString()]);
    await using dify = client(server.baseUrl);
    const { items, hasMore } = await dify.one.conversations({ user, limit: 2, lastId: 'l', sortBy: 'created_at' });
    expect(hasMore).toBe(true);
    expect(items[0]).toEqual({
      id: 'd7af908e-c90b-4511-a9be-0fb554ec1fea',
      name: 'A fake title',
      inputs: { name: 'Ann', tone: null },
      status: 'normal',
      introduction: 'Hello Ann, I am chat-basic.',
      createdAt: 1795328432,
      updatedAt: 1795328433,
    });
    const url = new URL(server.requests[0]!.url, 'http://dify');
    expect(url.pathname).toBe('/v1/conversations');
    expect(Object.fromEntries(url.searchParams)).toEqual({ user, limit: '2', last_id: 'l', sort_by: 'created_at' });
  });

  it('reads a recorded page of messages', async () => {
    await using server = await answers([200, recorded('chat/17-messages-limit1.json').toString()]);
    await using dify = client(server.baseUrl);
    const { items, hasMore } = await dify.one.messages({ user, conversationId: 'c', limit: 1 });
    expect(hasMore).toBe(true);
    expect(items[0]).toMatchObject({
      query: 'and again?',
      parentMessageId: null,
      usage: null,
      files: [],
      thoughts: [],
    });
    const url = new URL(server.requests[0]!.url, 'http://dify');
    expect(Object.fromEntries(url.searchParams)).toEqual({ user, limit: '1', conversation_id: 'c' });
  });

  it('C91 leaves a page of messages in the order of Dify, oldest first', async () => {
    const data = [21, 22, 23].map((id) => ({ id: String(id) }));
    await using server = await answers([200, { limit: 3, has_more: true, data }]);
    await using dify = client(server.baseUrl);
    const { items } = await dify.one.messages({ user, conversationId: 'c', firstId: '24', limit: 3 });
    expect(items.map((item) => item.id)).toEqual(['21', '22', '23']);
    expect(server.requests[0]!.url).toContain('first_id=24');
  });

  it('reads all that a message can hold', async () => {
    const data = [
      {
        id: 'm',
        conversation_id: 'c',
        parent_message_id: 'p',
        inputs: { a: 1 },
        query: 'q',
        answer: 'a',
        status: 'error',
        error: 'e',
        feedback: { rating: 'like' },
        created_at: 7,
        message_files: [
          { id: 'f', filename: 'a.png', type: 'image', url: 'u', mime_type: 'image/png', size: 3, belongs_to: 'user' },
        ],
        retriever_resources: [{ segment_id: 's', content: 'k' }],
        agent_thoughts: [
          { id: 'th', position: 1, thought: 'hm', tool: null, tool_input: null, observation: null, files: ['f'] },
        ],
        message_tokens: 3,
        answer_tokens: 1,
        total_tokens: 4,
        total_price: '6E-7',
        currency: 'USD',
        provider_response_latency: 1.5,
      },
    ];
    await using server = await answers([200, { ...page, data }]);
    await using dify = client(server.baseUrl);
    const { items } = await dify.one.messages({ user, conversationId: 'c', limit: 1 });
    expect(items).toEqual([
      {
        id: 'm',
        conversationId: 'c',
        parentMessageId: 'p',
        inputs: { a: 1 },
        query: 'q',
        answer: 'a',
        status: 'error',
        error: 'e',
        createdAt: 7,
        files: [
          {
            id: 'f',
            type: 'image',
            name: 'a.png',
            mimeType: 'image/png',
            size: 3,
            belongsTo: 'user',
            transferMethod: null,
            uploadId: null,
            url: 'u',
          },
        ],
        citations: [expect.objectContaining({ position: 1, segmentId: 's', content: 'k' })],
        thoughts: [
          {
            id: 'th',
            position: 1,
            thought: 'hm',
            tool: '',
            toolLabels: {},
            toolInput: '',
            observation: '',
            files: ['f'],
          },
        ],
        usage: {
          promptTokens: 3,
          completionTokens: 1,
          totalTokens: 4,
          totalPrice: '0.0000006',
          currency: 'USD',
          latency: 1.5,
        },
        rating: 'like',
      },
    ]);
  });

  it('C85 reads NaN in an answer as null', async () => {
    await using server = await answers([200, '{"has_more": false, "data": [{"id": "c", "inputs": {"n": NaN}}]}\n']);
    await using dify = client(server.baseUrl);
    expect((await dify.one.conversations({ user, limit: 1 })).items[0]!.inputs).toEqual({ n: null });
  });

  it.each([429, 502, 503, 504])('tries again after HTTP %i', async (status) => {
    await using server = await answers([status, 'no'], [status, 'no'], [200, page]);
    await using dify = client(server.baseUrl);
    expect(await dify.one.conversations({ user, limit: 1 })).toEqual({ items: [], hasMore: false });
    expect(server.requests).toHaveLength(3);
  });

  it('gives up after three tries', async () => {
    await using server = await answers([503]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.conversations({ user, limit: 1 })).rejects.toMatchObject({
      code: 'UPSTREAM_ERROR',
      difyStatus: 503,
    });
    expect(server.requests).toHaveLength(3);
    await dify.close();
    await server.empty();
  });

  it.each([400, 401, 403, 404, 500])('does not try again after HTTP %i', async (status) => {
    await using server = await answers([status, { code: 'x', message: 'y' }]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.conversations({ user, limit: 1 })).rejects.toMatchObject({ difyStatus: status });
    expect(server.requests).toHaveLength(1);
  });

  it('tries again after a connection that was cut before or within the answer', async () => {
    await using server = await serve((exchange) => {
      if (exchange.index === 0) exchange.socket.resetAndDestroy();
      else if (exchange.index === 1) {
        exchange.response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
        exchange.response.write('{', () => exchange.socket.resetAndDestroy());
      } else sendJson(exchange, 200, page);
    });
    await using dify = client(server.baseUrl);
    expect(await dify.one.conversations({ user, limit: 1 })).toEqual({ items: [], hasMore: false });
  });

  it.each([
    ['headers', () => {}],
    ['the rest of the answer', ({ response }: Exchange) => void response.writeHead(200).write('{')],
  ])('takes no longer than its limit when %s does not come', async (_, answer) => {
    await using server = await serve(answer);
    await using dify = client(server.baseUrl, { readMs: 100 });
    await expect(dify.one.conversations({ user, limit: 1 })).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(server.requests).toHaveLength(1);
    await server.empty();
  });

  it.each([
    ['a page', '<html></html>'],
    ['a list', '[]'],
    ['another object', '{"hello":"world"}'],
    ['more than the limit', JSON.stringify({ data: ['x'.repeat(2000)] })],
  ])('takes %s for another server', async (_, body) => {
    await using server = await answers([200, body]);
    await using dify = client(server.baseUrl, { maxEventBytes: 1000 });
    await expect(dify.one.conversations({ user, limit: 1 })).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
    await expect(dify.one.info()).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
    expect(server.requests).toHaveLength(2);
  });
});

describe('changing', () => {
  it.each([
    ['a name', 'New', { name: 'New', auto_generate: false }],
    ['no name, so that the model finds one', null, { auto_generate: true }],
  ])('renames with %s', async (_, name, sent) => {
    await using server = await answers([200, recorded('chat/21-rename-auto.json').toString()]);
    await using dify = client(server.baseUrl);
    const conversation = await dify.one.renameConversation({ user, conversationId: 'c', name });
    expect(conversation).toMatchObject({ id: 'a529aa50-1b4f-43a7-a081-3a83c46bc510', name: 'A fake title' });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/v1/conversations/c/name' });
    expect(JSON.parse(server.requests[0]!.body)).toEqual({ user, ...sent });
  });

  it.each([
    ['204 without a body', 204, undefined],
    ['200 with a result', 200, { result: 'success' }],
    ['204 with a result', 204, { result: 'success' }],
  ])('C84 deletes, and takes %s for success', async (_, status, body) => {
    await using server = await answers([status, body]);
    await using dify = client(server.baseUrl);
    await dify.one.deleteConversation({ user, conversationId: 'c' });
    await dify.one.deleteConversation({ user, conversationId: 'c' });
    expect(server.requests[0]).toMatchObject({
      method: 'DELETE',
      url: '/v1/conversations/c',
      body: JSON.stringify({ user }),
      headers: { 'content-type': 'application/json' },
    });
    await server.empty();
  });

  it('takes the HTML 404 of an id that is no UUID for what it is', async () => {
    await using server = await serve(({ response }) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<!doctype html>'),
    );
    await using dify = client(server.baseUrl);
    const absent = { code: 'NOT_FOUND', difyStatus: 404 };
    await expect(dify.one.deleteConversation({ user, conversationId: 'x' })).rejects.toMatchObject(absent);
    await expect(dify.one.renameConversation({ user, conversationId: 'x', name: 'y' })).rejects.toMatchObject(absent);
    await expect(dify.one.info()).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
  });

  it.each(['', '.', '..'])('does not let the id %j name another path', async (conversationId) => {
    await using server = await answers([200, {}]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.deleteConversation({ user, conversationId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(server.requests).toEqual([]);
  });

  it('does not delete twice when the answer is lost', async () => {
    await using server = await serve(({ socket }) => socket.resetAndDestroy());
    await using dify = client(server.baseUrl);
    const deleted = dify.one.deleteConversation({ user, conversationId: 'c' });
    await expect(deleted).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    expect(server.requests).toHaveLength(1);
  });
});
