import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openLogger } from '../src/gateway/log.ts';
import type { Config } from '../src/config.ts';
import { hasRedis, openRedis } from './redis.ts';
import { openRig, type Rig, type RigOptions } from './rig.ts';

const asked = 'the-question-that-nobody-may-read';
const answered = 'the-answer-that-nobody-may-read';

const ask = 'mutation ($q: String!) { chat(input: { query: $q }) { run { status error { message } } } }';

/** A server on which everything fails in ways that quote what was asked. */
async function walk(options: RigOptions): Promise<Rig> {
  const rig = await openRig(options);
  await rig.query(ask, { q: `!echo ${answered} ${asked}` });
  rig.sandbox.script('assistant', {
    steps: [
      { write: `data: {"event":"error","code":"invalid_param","status":400,"message":"Not this: ${asked}"}\n\n` },
    ],
  });
  await rig.query(ask, { q: asked });
  rig.sandbox.script('assistant', {
    status: 400,
    headers: { 'content-type': 'application/json' },
    steps: [{ write: JSON.stringify({ code: 'invalid_param', message: `Not this: ${asked}`, status: 400 }) }],
  });
  await rig.query(ask, { q: asked });
  await rig.query(`{ conversation(id: "${asked}") { name } }`);
  await rig.collect(
    `subscription ($q: String!) { chatStream(input: { query: $q, idempotencyKey: "${randomUUID()}" }) { seq } }`,
    {
      q: `!error ${asked}`,
    },
  );
  return rig;
}

describe('what was asked and answered', () => {
  test('is nowhere in the log', async () => {
    await using rig = await walk({});
    const log = rig.logged.join('');
    for (const line of ['"run failed"', '"run ended"', '"operation ended"']) expect(log).toContain(line);
    expect(log).toContain('"code":"UPSTREAM_REJECTED"');
    expect(log).not.toContain(asked);
    expect(log).not.toContain(answered);
  });

  test('may be there when it is asked for', async () => {
    await using rig = await walk({ logContent: true });
    const log = rig.logged.join('');
    expect(log).toContain(`"message":"Not this: ${asked}"`);
    expect(log).toContain(`"content":{"q":"!echo ${answered} ${asked}"}`);
  });

  test.skipIf(!hasRedis())('is not in what Redis refuses, either', async () => {
    await using redis = await openRedis();
    await using rig = await openRig({ redis: { url: redis.url } });
    await redis.client.config('SET', 'maxmemory', '1');
    await rig.query(ask, { q: asked });
    await expect.poll(() => rig.logged.join('')).toContain('"Redis refused"');
    expect(rig.logged.join('')).not.toContain(asked);
    await redis.client.config('SET', 'maxmemory', '0');
  });
});

describe('a secret', () => {
  test.skipIf(!hasRedis())('is not told when Redis refuses it', async () => {
    await using redis = await openRedis();
    await redis.client.config('SET', 'requirepass', 'another-password');
    await redis.client.auth('another-password');
    await using rig = await openRig({ redis: { url: redis.url.replace('//', '//:CaNaRy%2Fpassword@') } });
    await expect.poll(() => rig.logged.join('')).toContain('WRONGPASS');
    expect(rig.logged.join('')).not.toMatch(/CaNaRy/);
    await redis.client.config('SET', 'requirepass', '');
  });

  test('is hidden wherever it is put', () => {
    const lines: string[] = [];
    const secret = 'CaNaRy/of "32" characters or even more';
    const config = {
      server: { logLevel: 'trace', secret },
      apps: [{ key: 'app-CaNaRy-key' }],
      redis: { url: 'redis://:CaNaRy%2Fpassword@host' },
    } as unknown as Config;
    const logger = openLogger(config, { write: (line: string) => void lines.push(line) });
    const uri = 'redis://:CaNaRy%2Fpassword@host';
    logger.trace({ secret, deep: { uri, list: ['Bearer app-CaNaRy-key'] } }, `with CaNaRy/password and ${secret}`);
    logger.child({ key: 'app-CaNaRy-key' }).error({ err: new Error(encodeURIComponent(secret)) });
    expect(lines.join('')).toContain('[hidden]');
    expect(lines.join('')).not.toContain('CaNaRy');
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });
});
