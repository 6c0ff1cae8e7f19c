import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openSandbox, type SandboxRequest } from '../../src/sandbox/sandbox.ts';
import { Client } from './client.ts';
import { Wire } from './socket.ts';

const pings = (text: string) => text.match(/event: ping\n\n/g)?.length ?? 0;

describe('the wire', () => {
  test('carries one frame in each chunk, headers with the first', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!echo one two three');
    await wire.until(/\r\n0\r\n\r\n$/);
    const border = wire.text.indexOf('\r\n\r\n');
    const [head, body] = [wire.text.slice(0, border), wire.text.slice(border + 4)];
    expect(head).toContain('Transfer-Encoding: chunked');
    expect(head).toContain('Connection: keep-alive');
    expect(head).not.toMatch(/Keep-Alive: timeout|Cache-Control/i);
    const chunks = body.split(/[0-9a-f]+\r\n(?=data: |\r\n$)/).slice(1, -1);
    expect(chunks).toHaveLength(5);
    for (const chunk of chunks) expect(chunk).toMatch(/^data: \{[^\n]*\}\n\n\r\n$/);
  });

  test('writes compact JSON and leaves every character as it is', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!echo ü\u202834👋');
    await wire.until(/message_end/);
    expect(wire.text).toContain('"answer":"ü\u2028"');
    expect(wire.text).toContain('👋');
  });

  test('pings after each full interval, never before the first, and nothing else while the model is slow', async () => {
    await using sandbox = await openSandbox({ pace: 0, pingMs: 100 });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!slow:0.35 !echo late');
    await wire.until(/message_end/);
    const [first] = wire.reads;
    expect(first?.atMs).toBeGreaterThan(90);
    expect(first?.text).toMatch(/event: ping\n\n/);
    expect([2, 3]).toContain(pings(wire.text)); // on a busy machine one may come too late
    expect(wire.text.indexOf('late')).toBeGreaterThan(wire.text.lastIndexOf('event: ping'));
  });

  test('closes an idle connection without a warning', async () => {
    await using sandbox = await openSandbox({ pace: 0, idleCloseMs: 150 });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!echo hi');
    await wire.until(/0\r\n\r\n$/);
    const idleSince = performance.now();
    expect(await wire.over).toBe('ended');
    const idleMs = performance.now() - idleSince;
    expect(idleMs).toBeGreaterThan(120);
    expect(idleMs).toBeLessThan(900);
  });

  test('tells of every request: where it came from, what it asked, and how its reply ended', async () => {
    const requests: SandboxRequest[] = [];
    await using sandbox = await openSandbox({ pace: 0, onRequest: (request) => requests.push(request) });
    await using one = await Wire.open(sandbox);
    await using other = await Wire.open(sandbox);
    one.ask(sandbox, 'assistant', '!echo hi');
    await one.until(/0\r\n\r\n$/);
    one.ask(sandbox, 'thinker', '!noend');
    await one.until(/hi[^]*200 OK[^]*data:/);
    other.ask(sandbox, 'nobody', 'x');
    await other.until(/401/);
    one.close();
    expect(requests.map(({ app, connection }) => [app, connection])).toEqual([
      ['assistant', 1],
      ['thinker', 1],
      [null, 2],
    ]);
    expect(requests[0]).toMatchObject({ method: 'POST', path: '/v1/chat-messages', body: { query: '!echo hi' } });
    expect(await Promise.all(requests.map(({ done }) => done))).toEqual(['ended', 'gone', 'ended']);
  });

  test('counts the open streams', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    expect(sandbox.open).toBe(0);
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!noend !echo on and on');
    await wire.until(/"and "/);
    expect(sandbox.open).toBe(1);
    wire.close();
    while (sandbox.open > 0) await setTimeout(5); // the sandbox sees the end when its socket does
  });

  test('loses the answer of a chat whose reader went away, but runs a workflow to its end', async () => {
    const requests: SandboxRequest[] = [];
    await using sandbox = await openSandbox({ pace: 0.05, onRequest: (request) => requests.push(request) });
    const chat = new Client(sandbox, 'assistant');
    const gone = new AbortController();
    const event = await (await chat.ask('!long:40', {}, gone.signal)).until(({ event: name }) => name === 'message');
    gone.abort();
    await requests[0]?.done;
    const workflow = new Client(sandbox, 'summarize');
    const started = await (await workflow.run({ text: '!long:40' })).until(({ event: name }) => name === 'text_chunk');
    const run = () => workflow.get(`/workflows/run/${String(started['workflow_run_id'])}`);
    expect((await run()).json).toMatchObject({ status: 'running', total_steps: 0, finished_at: null, outputs: '{}' });
    while ((await run()).json['status'] === 'running') await setTimeout(20); // nothing tells of its end
    expect((await run()).json).toMatchObject({ status: 'succeeded' });
    const { json } = await chat.get('/messages', { conversation_id: String(event['conversation_id']) });
    expect(json['data']).toMatchObject([{ answer: '', status: 'normal' }]);
  });

  test('says its version without a key', async () => {
    await using sandbox = await openSandbox({ version: '1.99.0' });
    const reply = await fetch(`${sandbox.url}/`);
    expect(reply.headers.get('x-version')).toBe('1.99.0');
    expect(await reply.text()).toBe('{"welcome": "Dify OpenAPI", "api_version": "v1", "server_version": "1.99.0"}\n');
  });

  test('closes at once, whatever is under way', async () => {
    const sandbox = await openSandbox();
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!slow:60');
    await setTimeout(50); // the request must be under way, and nothing is sent before the first ping
    const startedAt = performance.now();
    await Promise.all([sandbox.close(), sandbox.close()]);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
