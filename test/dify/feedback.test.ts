import { describe, expect, it } from 'vitest';
import { answers, replays } from './answering.ts';
import { client, serve } from './fake-server.ts';

const user = 'u';
const messageId = '36330fb1-9d44-4ecd-89d1-53f16026328a';

describe('feedback', () => {
  it.each(['completion/05-feedback', 'chat/11-feedback-like', 'chat/13-feedback-null'])('takes %s', async (name) => {
    await using server = await replays(name);
    await using dify = client(server.baseUrl);
    await dify.one.feedback.rate({ user, messageId, rating: 'like' });
    await server.empty();
  });

  it('is listed as recorded, with times in seconds', async () => {
    await using server = await replays('chat/15-app-feedbacks');
    await using dify = client(server.baseUrl);
    const { items, hasMore } = await dify.one.feedback.list({ page: 1, limit: 20 });
    expect(hasMore).toBe(false);
    expect(items).toHaveLength(2);
    expect(items[0]).toEqual({
      id: 'afc419a9-cf07-4e01-93c9-6f53cd658906',
      conversationId: 'a529aa50-1b4f-43a7-a081-3a83c46bc510',
      messageId: 'd2424220-6377-44da-95e2-d4b50c1a0c7f',
      rating: 'like',
      content: 'good',
      fromSource: 'user',
      endUserId: '12302200-82f0-41c8-83cc-3094d7cf06e8',
      createdAt: Date.parse('2026-11-22T06:45:00Z') / 1000,
      updatedAt: Date.parse('2026-11-22T06:45:00Z') / 1000,
    });
  });

  it('may have more after a full page', async () => {
    await using server = await replays('chat/15-app-feedbacks');
    await using dify = client(server.baseUrl);
    expect((await dify.one.feedback.list({ limit: 2 })).hasMore).toBe(true);
  });
});

describe('suggested questions', () => {
  it('are read as they are', async () => {
    await using server = await answers([200, { result: 'success', data: ['a?', 'b?'] }]);
    await using dify = client(server.baseUrl);
    expect(await dify.one.feedback.suggested({ user, messageId })).toEqual(['a?', 'b?']);
  });

  it('may be none, or missing', async () => {
    await using server = await answers([200, { result: 'success', data: [] }], [200, { data: null }]);
    await using dify = client(server.baseUrl);
    expect(await dify.one.feedback.suggested({ user, messageId })).toEqual([]);
    expect(await dify.one.feedback.suggested({ user, messageId })).toEqual([]);
  });

  it.each([429, 502, 503, 504])('run a model, so they are asked for once also at HTTP %i', async (status) => {
    await using server = await answers([status]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.feedback.suggested({ user, messageId })).rejects.toMatchObject({ difyStatus: status });
    expect(server.requests).toHaveLength(1);
  });

  it('may take as long as a model, not only as long as a read', async () => {
    await using server = await serve(({ response }) => {
      // Longer than a read may take here.
      setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":["a?"]}'), 300);
    });
    await using dify = client(server.baseUrl, { readMs: 50 });
    expect(await dify.one.feedback.suggested({ user, messageId })).toEqual(['a?']);
  });

  it('are given up after the time for headers', async () => {
    await using server = await serve(() => {});
    await using dify = client(server.baseUrl, { headersMs: 100 });
    const asked = dify.one.feedback.suggested({ user, messageId });
    await expect(asked).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    await server.empty();
  });

  it('are not to be had of an unknown message', async () => {
    await using server = await replays('errors/27-suggested-unknown-message');
    await using dify = client(server.baseUrl);
    await expect(dify.one.feedback.suggested({ user, messageId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
