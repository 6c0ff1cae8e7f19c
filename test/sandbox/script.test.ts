import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { writesOf } from '../../src/sandbox/replay.ts';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client } from './client.ts';
import { folder, recordedStreams, recording } from './recordings.ts';
import { Wire } from './socket.ts';

describe('a script', () => {
  test('answers one request with exactly what it says, each write in a segment of its own', async () => {
    await using sandbox = await openSandbox();
    sandbox.script('assistant', {
      steps: [{ write: 'data: {"a"' }, { waitMs: 30 }, { write: Buffer.from(':1}\n\n') }, { write: 'end' }],
    });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', 'x');
    await wire.until(/0\r\n\r\n$/);
    expect(wire.text).toContain('Content-Type: text/event-stream; charset=utf-8');
    expect(wire.text).toContain('a\r\ndata: {"a"\r\n5\r\n:1}\n\n\r\n3\r\nend\r\n0\r\n\r\n');
    expect(wire.reads.at(-1)?.atMs).toBeGreaterThan(25);
  });

  test('queues: the next request takes the next one, then the app answers for itself', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    sandbox.script('summarize', {
      status: 429,
      headers: { 'content-type': 'application/json' },
      steps: [{ write: '{}' }],
    });
    sandbox.script('summarize', { steps: [{ write: 'two' }] });
    const client = new Client(sandbox, 'summarize');
    const first = await client.post('/workflows/run', {});
    expect([first.status, first.headers.get('content-type'), first.text]).toEqual([429, 'application/json', '{}']);
    expect((await client.post('/workflows/run', {})).text).toBe('two');
    expect((await client.post('/workflows/run', { inputs: { text: 'three' } })).status).toBe(200);
    expect((await new Client(sandbox, 'assistant').post('/chat-messages', {})).status).toBe(400);
  });

  test('waits until a promise settles', async () => {
    await using sandbox = await openSandbox();
    const { promise, resolve } = Promise.withResolvers<void>();
    sandbox.script('assistant', { steps: [{ write: 'one' }, { until: promise }, { write: 'two' }] });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', 'x');
    await wire.until(/one/);
    await setTimeout(30); // long enough for a write that should not come
    expect(wire.text).not.toContain('two');
    resolve();
    await wire.until(/two/);
  });

  test('hangs, with or without headers', async () => {
    await using sandbox = await openSandbox();
    sandbox.script('assistant', { steps: [{ hang: true }] });
    sandbox.script('assistant', { steps: [{ write: '' }, { hang: true }] });
    await using mute = await Wire.open(sandbox);
    mute.ask(sandbox, 'assistant', 'x');
    await setTimeout(50); // for headers that should not come
    await using polite = await Wire.open(sandbox);
    polite.ask(sandbox, 'assistant', 'x');
    await polite.until(/200 OK/);
    expect(mute.text).toBe('');
    expect(polite.text).toMatch(/\r\n\r\n$/);
    expect(sandbox.open).toBe(2);
  });

  test('resets', async () => {
    await using sandbox = await openSandbox();
    sandbox.script('assistant', { steps: [{ write: 'half' }, { reset: true }] });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', 'x');
    expect(await wire.over).toBe('reset');
    expect(wire.text).toContain('half');
  });

  test('stops when its peer goes away', async () => {
    await using sandbox = await openSandbox();
    sandbox.script('assistant', { steps: [{ write: 'one' }, { waitMs: 60_000 }, { write: 'two' }] });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', 'x');
    await wire.until(/one/);
    wire.close();
    while (sandbox.open > 0) await setTimeout(5); // the sandbox sees the end when its socket does
  });
});

describe('a replay', () => {
  test('sends the bytes of the recording at its times', async () => {
    await using sandbox = await openSandbox({ recordings: folder });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!replay:completion/01-stream');
    await wire.until(/0\r\n\r\n$/);
    const body = wire.text
      .slice(wire.text.indexOf('\r\n\r\n') + 4)
      .replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, '')
      .replace(/\r\n$/, '');
    expect(body).toBe(recording('completion/01-stream').body);
    // A chunk for each read of the recording that brought any of the body.
    expect(wire.text.match(/\r\n[0-9a-f]+\r\ndata: /g)).toHaveLength(18);
    expect(wire.reads[0]?.atMs).toBeGreaterThan(120);
    expect(wire.reads.at(-1)?.atMs).toBeGreaterThan(470);
  });

  test('breaks off where the recording did', async () => {
    await using sandbox = await openSandbox({ pace: 0, recordings: folder });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!replay:client-cut/01-chat-cut');
    expect(await wire.over).toBe('reset');
  });

  test('names what there is when there is no such recording', async () => {
    await using sandbox = await openSandbox({ recordings: folder });
    const client = new Client(sandbox, 'assistant');
    const { json } = await client.post('/chat-messages', { query: '!replay:chat/99', inputs: {} });
    expect(json['message']).toBe(
      'There is no recorded stream chat/99. In the same folder: 01-stream, 05-words-fast, 07-no-autoname.',
    );
    for (const name of [':../../x', ':chat/../chat/01-stream', '']) {
      const refused = await client.post('/chat-messages', { query: `!replay${name}`, inputs: {} });
      expect(refused.status).toBe(400);
    }
  });

  test.each(recordedStreams())('cuts %s where its reads were', (name) => {
    const { body, reads, clientCut } = recording(name);
    const writes = writesOf({ body: Buffer.from(body), reads, cut: clientCut });
    expect(Buffer.concat(writes.map(({ bytes }) => bytes)).toString('utf8')).toBe(body);
    // Most reads of a server that writes frame by frame begin with a frame.
    const begins = writes.filter(({ bytes }) => /^(data: |event: )/.test(bytes.toString('utf8', 0, 7)));
    if (!clientCut) expect(begins).toHaveLength(writes.length);
  });
});
