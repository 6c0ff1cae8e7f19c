import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { openRig, unlimited, type RigOptions } from '../rig.ts';
import { program } from './carrying.ts';
import { post } from './doors.ts';
import { closed, rawSocket } from './hostile.ts';
import { openSocket, subscribe } from './socket.ts';

const socketOf = (limits: Partial<typeof unlimited.socket>): RigOptions => ({
  bounds: { socket: { ...unlimited.socket, ...limits } },
});
const silence = (key: string) =>
  `subscription { chatStream(input: { query: "!silence", idempotencyKey: "${key}" }) { __typename } }`;
const who = '{ viewer { id } }';

describe('a WebSocket', () => {
  test('takes so many operations at once: one more is refused, and the others go on', async () => {
    await using rig = await openRig(socketOf({ operations: 2 }));
    await using socket = await openSocket(rig);
    for (const id of ['a', 'b']) {
      subscribe(socket, id, silence(id));
      expect(await socket.nextOf(id)).toMatchObject({ type: 'next' });
    }
    subscribe(socket, 'c', who);
    const refused = { code: 'RATE_LIMITED', retryable: true, retryAfterMs: expect.any(Number) };
    expect(await socket.nextOf('c')).toMatchObject({ type: 'error', payload: [{ extensions: refused }] });
    socket.send({ id: 'a', type: 'complete' });
    subscribe(socket, 'd', who);
    expect(await socket.nextOf('d')).toMatchObject({ type: 'next', payload: { data: {} } });
  });

  test('is read at a pace: what comes too fast waits, none of it is lost, and others are served meanwhile', async () => {
    await using rig = await openRig(socketOf({ messagesPerSecond: 20 }));
    await using socket = await openSocket(rig);
    const start = performance.now();
    // Larger than what comes with one read, and cannot be counted but by reading it.
    const padding = 'x'.repeat(20_000);
    for (let i = 0; i < 60; i += 1) subscribe(socket, `q${i}`, `${who} # ${padding}`);
    const honest = await rig.collect(who);
    expect(honest).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(await socket.nextOf('q59')).toMatchObject({ type: 'next' });
    // Two whole seconds of reading at least, of which the first may have begun with the connection.
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  test('that is not used is closed with a code after which clients come again, and one that is used is not', async () => {
    await using rig = await openRig({ ...socketOf({ idleMinutes: 0.005 }), patience: { pingMs: 50 } });
    await using idle = await openSocket(rig);
    await using busy = await openSocket(rig);
    subscribe(busy, 'a', silence('a'));
    expect(await idle.closed).toEqual({ code: 1001, reason: 'Idle' });
    expect(busy.ws.readyState).toBe(busy.ws.OPEN);
    busy.send({ id: 'a', type: 'complete' });
    expect(await busy.closed).toEqual({ code: 1001, reason: 'Idle' });
    const client = rig.client({ lazy: false, retryAttempts: 5 });
    let connected = 0;
    const again = new Promise<void>((resolve) => client.on('connected', () => (connected += 1) === 2 && resolve()));
    await again;
    await client.dispose();
  });
});

test('a message of which nothing more comes is not held for ever, and one that takes its time is', async () => {
  await using rig = await openRig({ bounds: { bodyMs: 400 }, patience: { pingMs: 100 } });
  const begun = await rawSocket(rig.url);
  const end = closed(begun);
  begun.write(Buffer.concat([Buffer.from([0x01, 0xff]), Buffer.from([0, 0, 0, 0, 0, 3, 0, 0]), Buffer.alloc(100_000)]));
  // It answers pings all the while.
  begun.on('data', () => begun.write(Buffer.concat([Buffer.from([0x8a, 0x80]), Buffer.alloc(4)])));
  await end;
  await using slow = await openSocket(rig);
  for (const id of ['a', 'b', 'c']) {
    subscribe(slow, id, `${who} # ${'x'.repeat(60_000)}`);
    expect(await slow.nextOf(id)).toMatchObject({ type: 'next' });
    await new Promise((resolve) => setTimeout(resolve, 250)); // What is tested is slowness.
  }
});

describe('large requests', () => {
  const megabytes = 1_048_576;
  const large = (label: string) => JSON.stringify({ query: who, variables: { [label]: 'x'.repeat(3.5 * megabytes) } });

  test('are held in memory up to a limit, and small ones are always taken', async () => {
    await using rig = await openRig({ bounds: { bodyMegabytes: 10 } });
    const port = Number(new URL(rig.url).port);
    const held = connect(port, '127.0.0.1');
    const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
    held.write(`${head}content-length: 4000000\r\n\r\n{`);
    // It is counted once it has been seen.
    await expect.poll(async () => (await post(rig, large('a'), { accept: 'application/json' })).status).toBe(429);
    expect(await rig.query(who)).toEqual({ data: { viewer: { id: 'anonymous' } } });
    held.destroy();
    const open = (type: string) => {
      const headers = { ...program, accept: 'application/json', 'content-type': type };
      return fetch(rig.url, { method: 'POST', headers, body: Readable.from(['{', '}']), duplex: 'half' } as never);
    };
    // Neither says how long it is: it counts as long as it may be.
    await expect.poll(async () => (await open('application/json')).status).toBe(400);
    expect((await open('multipart/form-data; boundary=x')).status).toBe(429);
    await expect.poll(async () => (await post(rig, large('a'), { accept: 'application/json' })).status).toBe(200);
  });
});

describe('a connection', () => {
  const times = { headersMs: 200, bodyMs: 200 };
  const open = async (url: string) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let said = '';
    socket.on('data', (data) => (said += String(data))).on('error', () => {});
    await once(socket, 'connect');
    return { socket, said: () => said, closed: closed(socket) };
  };
  const head = (path: string, type: string) =>
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\nx-requested-with: a\r\ncontent-length: 100000\r\n\r\n`;

  test('that says nothing, or its headers slowly, is closed', async () => {
    await using rig = await openRig({ bounds: times });
    const silent = await open(rig.url);
    const slow = await open(rig.url);
    slow.socket.write('GET /graphql HTTP/1.1\r\nhost: localhost\r\n');
    const drip = setInterval(() => slow.socket.write('x: y\r\n'), 20);
    await Promise.all([silent.closed, slow.closed]);
    clearInterval(drip);
  });

  test('that sends its body slowly is closed, and so is an upload of which nothing comes', async () => {
    await using rig = await openRig({ bounds: times });
    const slow = await open(rig.url);
    slow.socket.write(head('/graphql', 'application/json'));
    const drip = setInterval(() => slow.socket.write(' '), 20);
    const upload = await open(rig.url);
    upload.socket.write(`${head('/files/assistant', 'application/octet-stream')}a`);
    await Promise.all([slow.closed, upload.closed]);
    clearInterval(drip);
    expect(slow.said()).toBe('');
  });

  test('over which an upload comes slowly but steadily is let be, and so is a long answer', async () => {
    await using rig = await openRig({ bounds: times });
    const upload = await open(rig.url);
    const file = 'a'.repeat(15);
    upload.socket.write(
      head('/files/assistant', 'text/plain')
        .replace('100000', String(file.length))
        .replace('x-req', 'x-file-name: a.txt\r\nx-req'),
    );
    for (const letter of file) {
      upload.socket.write(letter);
      await new Promise((resolve) => setTimeout(resolve, 50)); // What is tested is slowness.
    }
    await expect.poll(upload.said).toMatch(/^HTTP\/1\.1 201 /);
    upload.socket.destroy();
    const waiting = rig.query('mutation { chat(input: { query: "!silence", waitMs: 700 }) { complete } }');
    expect(await waiting).toEqual({ data: { chat: { complete: false } } });
  });

  test('is not taken where there are too many', async () => {
    await using rig = await openRig({ bounds: { connections: 3 } });
    const held = await Promise.all([1, 2, 3].map(() => open(rig.url)));
    await (
      await open(rig.url)
    ).closed;
    for (const { socket } of held) socket.destroy();
    await expect.poll(() => rig.query(who).catch(() => null)).toEqual({ data: { viewer: { id: 'anonymous' } } });
  });

  test('may have headers of 16 KB, and no more', async () => {
    await using rig = await openRig();
    const asked = (bytes: number) => fetch(rig.url, { headers: { 'x-long': 'x'.repeat(bytes) } });
    expect((await asked(15_000)).status).not.toBe(431);
    expect((await asked(17_000)).status).toBe(431);
  });
});
