import { describe, expect, it } from 'vitest';
import { answers, replays } from './answering.ts';
import { client } from './fake-server.ts';

const text = { question: 'What is up?', answer: 'All is well.' };
const id = '031785f4-cefc-489a-b1ff-073f044b1971';
const model = { scoreThreshold: 0.9, embeddingProvider: 'p', embeddingModel: 'm' };

describe('annotations', () => {
  it('are created as recorded', async () => {
    await using server = await replays('annotations/01-create');
    await using dify = client(server.baseUrl);
    const created = { id, question: 'What is up?', answer: 'All is well.', hitCount: 0, createdAt: 1795330056 };
    expect(await dify.one.annotations.create(text)).toEqual(created);
  });

  it('are updated as recorded', async () => {
    await using server = await replays('annotations/03-update');
    await using dify = client(server.baseUrl);
    expect(await dify.one.annotations.update({ id, ...text })).toMatchObject({ id, answer: 'Changed.' });
  });

  it.each([[204], [200, { result: 'success' }], [204, { result: 'success' }]] as const)(
    'are deleted at HTTP %i with the body %j',
    async (...reply) => {
      await using server = await answers(reply);
      await using dify = client(server.baseUrl);
      await dify.one.annotations.delete(id);
      await server.empty();
    },
  );

  it('may have no text', async () => {
    await using server = await answers([200, { data: [{ id, question: null, answer: null }] }]);
    await using dify = client(server.baseUrl);
    expect((await dify.one.annotations.list({ limit: 20 })).items).toEqual([
      { id, question: null, answer: null, hitCount: null, createdAt: null },
    ]);
  });

  it('C94 end with the last page, even when it is full and says that there is more', async () => {
    const data = [{ id: '1' }, { id: '2' }];
    await using server = await answers(
      [200, { data, has_more: true, limit: 2, total: 4, page: 1 }],
      [200, { data, has_more: true, limit: 2, total: 4, page: 2 }],
      [200, { data: [], has_more: false, limit: 2, total: 4, page: 3 }],
      [200, { data, has_more: true, limit: 2, page: 2 }],
    );
    await using dify = client(server.baseUrl);
    expect(await dify.one.annotations.list({ page: 1, limit: 2 })).toMatchObject({ hasMore: true, total: 4 });
    expect(await dify.one.annotations.list({ page: 2, limit: 2 })).toMatchObject({ hasMore: false, total: 4 });
    expect(await dify.one.annotations.list({ page: 3, limit: 2 })).toMatchObject({ hasMore: false, items: [] });
    expect(await dify.one.annotations.list({ page: 2, limit: 2 })).toMatchObject({ hasMore: true, total: null });
  });

  it('are counted by the limit that Dify kept to', async () => {
    const data = Array.from({ length: 100 }, (_, index) => ({ id: String(index) }));
    await using server = await answers([200, { data, has_more: true, limit: 100, total: 150, page: 1 }]);
    await using dify = client(server.baseUrl);
    expect((await dify.one.annotations.list({ limit: 500 })).hasMore).toBe(true);
  });
});

describe('the reply by annotations', () => {
  it('is switched by a job, as recorded', async () => {
    await using server = await replays('annotations/05-reply-enable');
    await using dify = client(server.baseUrl);
    expect(await dify.one.annotations.setReply({ action: 'enable', ...model })).toEqual({
      jobId: 'e34ec4b4-30d9-4d3c-9e21-7f16a88a68b6',
      status: 'waiting',
      error: null,
    });
  });

  it('says how its job went', async () => {
    await using server = await answers(
      [200, { job_id: 'j', job_status: 'completed', error_msg: '' }],
      [200, { job_id: 'j', job_status: 'error', error_msg: 'no model' }],
      [400, { code: 'invalid_param', message: 'The job does not exist.', status: 400 }],
    );
    await using dify = client(server.baseUrl);
    const ask = () => dify.one.annotations.replyJob({ action: 'enable', jobId: 'j' });
    expect(await ask()).toEqual({ jobId: 'j', status: 'completed', error: null });
    expect(await ask()).toEqual({ jobId: 'j', status: 'error', error: 'no model' });
    await expect(ask()).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: 'The job does not exist.' });
  });

  it('is not taken from just any success', async () => {
    await using server = await answers([200, {}]);
    await using dify = client(server.baseUrl);
    const strange = { code: 'UPSTREAM_PROTOCOL' };
    await expect(dify.one.annotations.setReply({ action: 'disable', ...model })).rejects.toMatchObject(strange);
    await expect(dify.one.annotations.create(text)).rejects.toMatchObject(strange);
    await expect(dify.one.annotations.list({ limit: 1 })).rejects.toMatchObject(strange);
  });
});
