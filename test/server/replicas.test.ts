import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { dataOf } from '../graphql/answers.ts';
import { hasNginx, openNginx } from '../nginx.ts';
import { hasRedis, openRedis, type TestRedis } from '../redis.ts';
import { openGateway, type Data } from '../rig.ts';
import { program } from './carrying.ts';

const words = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ');
/** What the demo app says besides. */
const signature = '\n\n— Your concierge';
const document = `subscription ($key: ID!, $query: String!) {
  chatStream(input: { app: "concierge", query: $query, idempotencyKey: $key }) {
    __typename seq
    ... on RunAttached { mode text }
    ... on TextDelta { offset text }
    ... on TextReplaced { text }
    ... on RunFinished { status run { timing { settledBy reconnects } } }
  }
}`;

describe.skipIf(!hasRedis() || !hasNginx())('two replicas behind the nginx of the README', () => {
  let redis: TestRedis;
  let sandbox: Sandbox;
  const questions: string[] = [];
  beforeAll(async () => {
    redis = await openRedis();
    sandbox = await openSandbox({
      pace: 1,
      version: '1.16.2',
      onRequest: ({ method, path }) => method === 'POST' && path.endsWith('/chat-messages') && questions.push(path),
    });
  });
  afterAll(async () => {
    await sandbox.close();
    await redis[Symbol.asyncDispose]();
  });

  const replica = (drainMs: number) =>
    openGateway(sandbox, { redis: { url: redis.url, prefix: `${randomUUID()}:` }, drainMs });

  test('answer once, whichever of them is closed in the middle, and both are asked', async () => {
    const prefix = `${randomUUID()}:`;
    const open = (port = 0) => openGateway(sandbox, { redis: { url: redis.url, prefix }, drainMs: 0, port });
    const [one, two] = [await open(), await open()];
    const portOf = ({ url }: { readonly url: string }) => Number(new URL(url).port);
    await using nginx = await openNginx([portOf(one), portOf(two)]);
    const asked = Array.from({ length: 6 }, async () => {
      const client = createClient({
        url: nginx.url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: Infinity,
        shouldRetry: () => true,
        retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
      });
      let text = '';
      let seq = 0;
      let last: Data = {};
      const variables = { key: randomUUID(), query: `!echo ${words}` };
      for await (const result of client.iterate({ query: document, variables })) {
        const event = dataOf(result as never)['chatStream'] as Data;
        if (event['__typename'] === 'RunAttached') ({ text, seq } = event as unknown as { text: string; seq: number });
        else if (event['seq'] > seq) {
          seq = event['seq'] as number;
          if (event['__typename'] === 'TextDelta')
            text = text.slice(0, event['offset'] as number) + String(event['text']);
          if (event['__typename'] === 'TextReplaced') text = String(event['text']);
        }
        last = event;
      }
      await client.dispose();
      return { text, last };
    });
    await expect.poll(() => questions.length).toBe(6);
    await one.close();
    const answers = await Promise.all(asked);
    expect(answers.map(({ text }) => text)).toEqual(asked.map(() => words + signature));
    expect(answers.map(({ last }) => last['status'])).toEqual(asked.map(() => 'SUCCEEDED'));
    expect(questions).toHaveLength(6);
    const recovered = answers.filter(({ last }) => last['run'].timing.reconnects > 0);
    expect(recovered.length).toBeGreaterThan(0);
    expect(recovered.length).toBeLessThan(6);
    await two.close();
  });

  test('know of what was uploaded and ordered at the other', async () => {
    const prefix = `${randomUUID()}:`;
    const open = () => openGateway(sandbox, { redis: { url: redis.url, prefix }, secret: 's'.repeat(32) });
    const [one, two] = [await open(), await open()];
    const here = { headers: { ...program, 'x-user': 'ann' } };
    const body = new FormData();
    body.append('file', new File(['hello'], 'note.txt', { type: 'text/plain' }));
    const sent = await fetch(new URL('/files/concierge', one.url), { method: 'POST', body, ...here });
    const { id } = (await sent.json()) as Data;
    const read = await fetch(new URL(`/files/concierge/${id}`, two.url), here);
    expect([read.status, await read.text()]).toEqual([200, 'hello']);
    expect((await fetch(new URL(`/files/concierge/${id}`, two.url))).status).toBe(404);
    const speak = { query: 'mutation { speak(input: { app: "assistant", text: "Hello" }) { url } }' };
    const headers = { ...here.headers, 'content-type': 'application/json' };
    const ordered = await fetch(one.url, { method: 'POST', headers, body: JSON.stringify(speak) });
    const { data } = (await ordered.json()) as Data;
    const spoken = await fetch(new URL(data.speak.url as string, two.url));
    expect([spoken.status, spoken.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);
    expect((await spoken.arrayBuffer()).byteLength).toBeGreaterThan(0);
    await one.close();
    await two.close();
  });

  test('say at /ready whether they take questions', async () => {
    const gateway = await replica(0);
    const ready = new URL('/ready', gateway.url);
    await expect.poll(async () => (await fetch(ready)).status).toBe(200);
    await redis.kill();
    await expect.poll(async () => (await fetch(ready)).status).toBe(503);
    expect(await (await fetch(ready)).json()).toEqual({ ready: false, reason: 'the store cannot be reached' });
    await redis.start();
    await expect.poll(async () => (await fetch(ready)).status, { timeout: 5_000 }).toBe(200);
    await gateway.close();
  });
});
