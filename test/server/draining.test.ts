import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { holdAnswer, startRun } from '../graphql/answers.ts';
import { openRedis, hasRedis } from '../redis.ts';
import { openGateway, openRig, type Rig } from '../rig.ts';
import { post } from './doors.ts';
import { openSocket, subscribe } from './socket.ts';

const runEvents = 'subscription ($id: ID!) { runEvents(runId: $id) { __typename ... on TextDelta { text } } }';

/** The answer to a request on a connection that was open before. */
async function answerOn(connection: Socket, path: string): Promise<string> {
  connection.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const piece of connection.setEncoding('utf8')) text += piece as string;
  return text;
}

async function connected({ url }: Rig): Promise<Socket> {
  const connection = connect(Number(new URL(url).port), '127.0.0.1');
  await once(connection, 'connect');
  return connection;
}

describe('a server that closes', () => {
  test('is not ready, which it says on connections that are open, but healthy', async () => {
    await using rig = await openRig({ drainMs: 10_000 });
    expect(await answerOn(await connected(rig), '/ready')).toMatch(/^HTTP\/1.1 200[^]*\{"ready":true\}$/);
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    const [one, two] = [await connected(rig), await connected(rig)];
    // Both connections are known to the server once it has answered a later one.
    await rig.query(`{ run(id: "${id}") { id } }`);
    const closing = rig.gateway.close();
    expect(await answerOn(one, '/ready')).toMatch(/^HTTP\/1.1 503[^]*\{"ready":false,"reason":"draining"\}$/);
    expect(await answerOn(two, '/health')).toMatch(/^HTTP\/1.1 200/);
    held.release();
    await closing;
  });

  test('ends event streams of both kinds with the end of their run', async () => {
    await using rig = await openRig({ drainMs: 10_000 });
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    const stream = await post(rig, { query: runEvents, variables: { id } }, { accept: 'text/event-stream' });
    const events = await fetch(new URL(`/runs/${id}/events`, rig.url));
    const closing = rig.gateway.close();
    held.release();
    expect(await stream.text()).toMatch(/RunFinished[^]*event: complete\ndata:\n\n$/);
    expect(await events.text()).toMatch(/"__typename":"RunFinished".*\n\n$/);
    await closing;
  });
});

describe.skipIf(!hasRedis())('a server that closes and hands its runs over', () => {
  test('ends the readers of both kinds of event streams and of sockets without an end: another server has it', async () => {
    await using redis = await openRedis();
    await using rig = await openRig({ drainMs: 300, redis });
    await using other = await openGateway(rig.sandbox, { redis, waits: { settleMs: 60_000 } });
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    const stream = await post(rig, { query: runEvents, variables: { id } }, { accept: 'text/event-stream' });
    const events = await fetch(new URL(`/runs/${id}/events`, rig.url));
    await using socket = await openSocket(rig);
    subscribe(socket, '1', runEvents, { id });
    await socket.nextOf('1');
    const closing = rig.gateway.close();
    const [streamed, told, { code }] = await Promise.all([stream.text(), events.text(), socket.closed]);
    expect(streamed).toMatch(/RunAttached[^]*\n\n$/);
    expect(streamed).not.toMatch(/RunFinished|complete/);
    expect(told).toMatch(/RunAttached[^]*\n\n$/);
    expect(told).not.toContain('RunFinished');
    expect(code).toBe(1012);
    await closing;
    const last = /id: (\d+)\n(?![^]*id: )/.exec(told)?.[1] ?? '';
    const next = await fetch(new URL(`/runs/${id}/events`, other.url), { headers: { 'last-event-id': last } });
    const first = await next.body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toContain('"mode":"RESUME"');
    held.release();
  });
});
