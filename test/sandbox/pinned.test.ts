import { describe, expect, test } from 'vitest';
import { draftOf } from '../../src/sandbox/apps.ts';
import type { App } from '../../src/sandbox/app.ts';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, textOf, type Json } from './client.ts';
import { recording } from './recordings.ts';

const nodesOf = (events: readonly Json[]) =>
  events.filter(({ event }) => event === 'node_started').map(({ data }) => (data as Json)['node_id']);

describe('a pinned version', () => {
  test('of a workflow runs as it was published', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'summarize');
    const [newest, first] = sandbox.apps.find(({ name }) => name === 'summarize')?.versions ?? [];
    const run = async (version: string | undefined) => {
      const stream = await client.stream(`/workflows/${String(version)}/run`, { inputs: { text: 'One.' } });
      return stream.events();
    };
    expect(nodesOf(await run(newest))).toContain('guide');
    const old = await run(first);
    expect(nodesOf(old)).not.toContain('guide');
    expect(old[0]?.['data']).toMatchObject({ workflow_id: first, inputs: { 'sys.workflow_id': first } });
    const [log] = (await client.get('/workflows/logs')).json['data'] as { workflow_run: { id: string } }[];
    const detail = await client.get(`/workflows/run/${String(log?.workflow_run.id)}`);
    expect(detail.json['workflow_id']).toBe(first);
  });

  test('of a chatflow answers as it was published', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'concierge');
    const [newest, first] = sandbox.apps.find(({ name }) => name === 'concierge')?.versions ?? [];
    const text = async (workflow_id: unknown) => textOf(await (await client.ask('Hi', { workflow_id })).events());
    expect(await text(newest)).toContain('Your concierge');
    expect(await text(null)).toContain('Your concierge');
    expect(await text(first)).not.toContain('Your concierge');
  });

  test('that is unknown is not found; a draft, or what is no id, is a bad request', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const summarize = new Client(sandbox, 'summarize');
    const concierge = new Client(sandbox, 'concierge');
    const recorded = JSON.parse(recording('errors/21-wf-by-id-unknown').body) as Json;
    const unknown = String(recorded['message']).slice(-36);
    const inputs = { text: 'One.' };
    expect((await summarize.post(`/workflows/${unknown}/run`, { inputs })).json).toEqual(recorded);
    const asked = { query: 'Hi', inputs: {} };
    const chat = await concierge.post('/chat-messages', { ...asked, workflow_id: unknown });
    expect([chat.status, chat.json['code']]).toEqual([404, 'not_found']);
    const draft = draftOf({ name: 'summarize' } as App);
    expect((await summarize.post(`/workflows/${draft}/run`, { inputs })).json).toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(/^Cannot use draft workflow version/) as string,
    });
    expect((await summarize.post('/workflows/latest/run', { inputs })).json).toMatchObject({ code: 'bad_request' });
  });
});

describe('the logs', () => {
  test('are filtered by status, time, user and words', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const [ann, bob] = [new Client(sandbox, 'summarize'), new Client(sandbox, 'summarize', 'bob')];
    await (await ann.run({ text: 'Apples. !fail' })).events();
    await (await bob.run({ text: 'Pears.' })).events();
    const total = async (query: Record<string, string>) => (await ann.get('/workflows/logs', query)).json['total'];
    expect(await total({})).toBe(2);
    expect(await total({ status: 'failed' })).toBe(1);
    expect(await total({ keyword: 'Pears' })).toBe(1);
    expect(await total({ created_by_end_user_session_id: 'bob' })).toBe(1);
    expect(await total({ created_at__after: '2100-01-01T00:00:00Z' })).toBe(0);
    expect(await total({ created_at__before: '2100-01-01T00:00:00Z' })).toBe(2);
    const account = await ann.get('/workflows/logs', { created_by_account: 'a@b.example' });
    expect(account.json).toMatchObject({ code: 'invalid_param', message: 'Account not found: a@b.example' });
  });
});
