import { describe, expect, it } from 'vitest';
import type { WireEvent } from '../../src/dify/wire-event.ts';
import { answers, replays } from './answering.ts';
import { client, frame, never, openSse, recorded, serve } from './fake-server.ts';

describe('the detail of a run', () => {
  it('C96 is read as recorded, where inputs and outputs are JSON in strings', async () => {
    await using server = await replays('workflow/03-run-detail');
    await using dify = client(server.baseUrl);
    const run = await dify.one.workflows.run('r');
    expect(run).toMatchObject({
      id: '647b1545-3674-47e9-854e-c0d50bff116a',
      workflowId: 'b331f8a5-afd1-46e6-b7c0-93b426d8e872',
      status: 'succeeded',
      inputs: { name: 'Ann', n: 3, 'sys.user_id': 'rec-user' },
      outputs: { text: 'Hello Ann n=3 mode=a', name: 'Ann', n: 3, doc: null },
      error: null,
      totalSteps: 3,
      totalTokens: 0,
      elapsedTime: 0.296332,
      createdAt: 1795330014,
      finishedAt: 1795330015,
    });
  });

  it('is read as recorded of a run that goes on', async () => {
    await using server = await replays('client-cut/05-run-1s-after');
    await using dify = client(server.baseUrl);
    const run = await dify.one.workflows.run('r');
    expect(run).toMatchObject({ status: 'running', outputs: {}, finishedAt: null, elapsedTime: 0 });
  });

  it('C96 takes objects, too, and strings with NaN', async () => {
    const run = { id: 'r', status: 'succeeded' };
    await using server = await answers(
      [200, { ...run, inputs: { a: 1 }, outputs: { b: 2 } }],
      [200, { ...run, inputs: '{"a": NaN}', outputs: null }],
      [200, { ...run, inputs: 'no JSON', outputs: '[1]' }],
    );
    await using dify = client(server.baseUrl);
    expect(await dify.one.workflows.run('r')).toMatchObject({ inputs: { a: 1 }, outputs: { b: 2 } });
    expect(await dify.one.workflows.run('r')).toMatchObject({ inputs: { a: null }, outputs: null });
    expect(await dify.one.workflows.run('r')).toMatchObject({ inputs: null, outputs: null });
  });

  it('C88 tells of a run that failed as of any other', async () => {
    await using server = await answers([200, { id: 'r', status: 'failed', error: 'broken', outputs: {} }]);
    await using dify = client(server.baseUrl);
    expect(await dify.one.workflows.run('r')).toMatchObject({ status: 'failed', error: 'broken' });
  });

  it('is null of an unknown run, in both ways in which Dify says so', async () => {
    const nulls = { id: null, workflow_id: null, status: null, inputs: 'null', outputs: null, error: null };
    await using server = await answers(
      [200, nulls],
      [404, { code: 'not_found', message: 'Workflow run not found', status: 404 }],
    );
    await using dify = client(server.baseUrl);
    expect(await dify.one.workflows.run('r')).toBeNull();
    expect(await dify.one.workflows.run('r')).toBeNull();
  });

  it('is not null when what answers is not Dify', async () => {
    await using server = await serve(({ response }) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'),
    );
    await using dify = client(server.baseUrl);
    await expect(dify.one.workflows.run('r')).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
  });
});

describe('the log of runs', () => {
  it('is read as recorded', async () => {
    await using server = await replays('workflow/27-logs-failed');
    await using dify = client(server.baseUrl);
    const { items, hasMore, total } = await dify.one.workflows.logs({ status: 'failed' });
    expect({ length: items.length, hasMore, total }).toEqual({ length: 6, hasMore: false, total: 6 });
    expect(items[0]).toEqual({
      id: '0521be3c-8217-448b-83c2-e6502e092a09',
      run: {
        id: '105e9bb0-2019-4f4e-b7b9-65b5fc0a6385',
        version: '2026-11-22 06:19:30.236889',
        status: 'failed',
        triggeredFrom: 'app-run',
        error: 'Reached maximum retries (0) for URL http://127.0.0.1:58194/http/status/500',
        elapsedTime: 0.703175,
        totalTokens: 0,
        totalSteps: 4,
        exceptionsCount: 3,
        createdAt: 1795330020,
        finishedAt: 1795330021,
      },
      createdFrom: 'service-api',
      createdByRole: 'end_user',
      account: null,
      endUser: {
        id: 'd868316e-45f6-4aa1-8d4d-4c4b391f85e0',
        type: 'service-api',
        isAnonymous: false,
        sessionId: 'rec-user',
      },
      createdAt: 1795330021,
    });
  });

  it('may miss nearly everything', async () => {
    const byAccount = { id: 'b', created_by_account: { id: 'a', name: 'n', email: 'a@b.c' } };
    await using server = await answers([200, { data: [{ id: 'a' }, byAccount] }]);
    await using dify = client(server.baseUrl);
    const nothing = { run: null, createdFrom: null, createdByRole: null, endUser: null, createdAt: null };
    expect(await dify.one.workflows.logs()).toEqual({
      items: [
        { id: 'a', account: null, ...nothing },
        { id: 'b', account: { id: 'a', name: 'n', email: 'a@b.c' }, ...nothing },
      ],
      hasMore: false,
      total: null,
    });
  });
});

describe('the events of a run', () => {
  it('are a stream like any other', async () => {
    await using server = await serve((exchange) => openSse(exchange).end(recorded('workflow/07-llm.sse')));
    await using dify = client(server.baseUrl);
    const events: WireEvent[] = [];
    const stream = await dify.one.workflows.events({ runId: 'r', user: 'u', snapshot: true }, never);
    const end = await stream.read((some) => void events.push(...some));
    expect(end).toEqual({ by: 'eof' });
    expect(events.at(-1)).toMatchObject({ event: 'workflow_finished', status: 'succeeded' });
    await server.empty();
  });

  it('C72 are one of a run that is over', async () => {
    const finished = {
      event: 'workflow_finished',
      task_id: 'r',
      workflow_run_id: 'r',
      data: { id: 'r', status: 'succeeded' },
    };
    await using server = await serve((exchange) => openSse(exchange).end(frame(finished)));
    await using dify = client(server.baseUrl);
    const events: WireEvent[] = [];
    await (await dify.one.workflows.events({ runId: 'r', user: 'u' }, never)).read((some) => void events.push(...some));
    expect(events).toMatchObject([{ event: 'workflow_finished', status: 'succeeded', workflowRunId: 'r' }]);
  });

  it('end with the signal', async () => {
    await using server = await serve((exchange) => void openSse(exchange).write('event: ping\n\n'));
    await using dify = client(server.baseUrl);
    const gone = new AbortController();
    const stream = await dify.one.workflows.events({ runId: 'r', user: 'u' }, gone.signal);
    gone.abort();
    expect(await stream.read(() => {})).toEqual({ by: 'closed' });
    await server.empty();
  });

  it('are not to be had of the run of somebody else', async () => {
    await using server = await answers([404, { code: 'not_found', message: 'Workflow run not found', status: 404 }]);
    await using dify = client(server.baseUrl);
    const asked = dify.one.workflows.events({ runId: 'r', user: 'u' }, never);
    await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('say which Dify does not know them', async () => {
    await using server = await serve(({ response }) =>
      response.writeHead(404, { 'content-type': 'text/html', 'x-version': '1.12.1' }).end('<!doctype html>'),
    );
    await using dify = client(server.baseUrl);
    const asked = dify.one.workflows.events({ runId: 'r', user: 'u' }, never);
    await expect(asked).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL', message: /^Dify 1\.12\.1 does not know/ });
  });
});

it('a question to a version that is not there is told as such', async () => {
  await using server = await replays('errors/21-wf-by-id-unknown');
  await using dify = client(server.baseUrl);
  const asked = dify.one.runWorkflow({ user: 'u', inputs: {}, workflowId: 'w' }, never);
  await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it.each(['workflow', 'completion', 'chat'] as const)(
  'a stop of an unknown task of a %s app is a success',
  async (kind) => {
    await using server = await replays('errors/23-stop-unknown-task');
    await using dify = client(server.baseUrl);
    await dify.one.stop({ kind, taskId: 't', user: 'u' });
  },
);
