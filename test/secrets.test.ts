import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { openSandbox, type SandboxRequest } from '../src/sandbox/sandbox.ts';
import { clients } from './clients/clients.ts';
import { openProxy } from './clients/proxy.ts';
import { files, walks } from './clients/walks.ts';
import { hasRedis, openRedis } from './redis.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** The server as a process, behind a network that overhears it: all that it says is in `said`. */
async function openOverheard(file: (folder: string) => string) {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  writeFileSync(join(folder, 'dify-graphql.yaml'), file(folder));
  const child = spawn(process.execPath, [main, '--port', '0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'trace' },
  });
  const said: string[] = [];
  const address = Promise.withResolvers<string>();
  const ended = once(child, 'close').then(() => address.reject(new Error(said.join(''))));
  ended.catch(() => {});
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes.toString()));
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said.push(bytes.toString());
    const [url] = /http:\S+\/graphql(?=[^]*\nApps: )/.exec((out += bytes.toString())) ?? [];
    if (url) address.resolve(url);
  });
  const proxy = await openProxy(await address.promise, (bytes) => said.push(bytes.toString('latin1')));
  return {
    url: proxy.url,
    said,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** The places of the secrets that were said somewhere. */
function leaks(said: readonly string[], secrets: Iterable<string>): string[] {
  const all = said.join('\n');
  return [...secrets].flatMap((secret) => {
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, -4)];
    const at = forms.map((form) => all.indexOf(form)).find((place) => place !== -1);
    return at === undefined ? [] : [`${secret} in ${all.slice(Math.max(0, at - 200), at + 200)}`];
  });
}

/** Keeps a secret in a file of its own; what stands for it in the configuration. */
const inFile = (folder: string, name: string, secret: string) => {
  writeFileSync(join(folder, name), `${secret}\n`);
  return `"\${file:${join(folder, name)}}"`;
};

describe.skipIf(!hasRedis())('of all that a server says', () => {
  test('nothing is a key, a password, a form’s token, a signature or what it signs with', async () => {
    const requests: SandboxRequest[] = [];
    await using sandbox = await openSandbox({ pace: 0.05, version: '1.16.2', onRequest: (one) => requests.push(one) });
    await using redis = await openRedis();
    const [password, secret] = ['CaNaRy/redis-password', 'CaNaRy-of-thirty-two-letters-or-more'];
    await redis.client.config('SET', 'requirepass', password);
    await redis.client.auth(password);
    await using server = await openOverheard((folder) =>
      [
        'server:',
        '  admins: [admin]',
        `  secret: ${inFile(folder, 'secret', secret)}`,
        '  drainMs: 0',
        'redis:',
        `  url: ${inFile(folder, 'redis', redis.url.replace('//', `//:${encodeURIComponent(password)}@`))}`,
        '  prefix: "secrets:"',
        'apps:',
        ...sandbox.apps.map(
          ({ name, key }) =>
            `  ${name}: { baseUrl: "${sandbox.url}", nodeData: true, key: ${inFile(folder, name, key)} }`,
        ),
      ].join('\n'),
    );
    const open = clients.find(([name]) => name === 'urql')![1];
    await using ann = open(server.url);
    await using admin = open(server.url, 'admin');
    for (const walk of [...walks, files]) await walk({ ann, admin, url: server.url });
    await ann.ask({ query: '!picture', idempotencyKey: 'picture' });
    // What fails says why.
    await redis.kill();
    await ann.ask({ query: 'a', idempotencyKey: 'away' }).catch(String);
    await expect.poll(() => server.said.join('\n')).toContain('Redis cannot be reached');
    await redis.start();
    await sandbox.close();
    await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ apps { name } conversations { nodes { id } } }"}',
    }).then((response) => response.text());
    const tokens = requests.flatMap(({ path }) => /\/form\/human_input\/([^/?]+)/.exec(path)?.[1] ?? []);
    expect(tokens.length).toBeGreaterThan(0);
    const keys = sandbox.apps.map(({ key }) => key);
    expect(leaks(server.said, [...keys, ...new Set(tokens), password, secret])).toEqual([]);
    const all = server.said.join('\n');
    // As Dify signs addresses.
    expect(all).not.toMatch(/timestamp=\d+(&|\\u0026)nonce=|[?&]sign=/);
    // It was all there to be told.
    for (const part of [
      '"operation ended"',
      '"run ended"',
      'RunPaused',
      '/files/assistant/',
      'Redis cannot be reached',
    ])
      expect(all).toContain(part);
  }, 120_000);

  test('nothing is what somebody proved themselves with, or tried to', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const [shared, apiKey, wrong] = ['CaNaRy-shared-secret-of-32-letters', 'CaNaRy-api-key', 'CaNaRy-wrong-key'];
    const sign = (key: string, exp: number) =>
      new SignJWT({ sub: 'ann' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer('https://id.example')
        .setAudience('gateway')
        .setExpirationTime(exp)
        .sign(new TextEncoder().encode(key));
    const now = Math.floor(Date.now() / 1_000);
    const tokens = await Promise.all([
      sign(shared, now + 60),
      sign(shared, now - 600),
      sign(`${wrong}${shared}`, now + 60),
    ]);
    await using server = await openOverheard((folder) =>
      [
        'auth:',
        '  jwt:',
        `    - { issuer: "https://id.example", audience: gateway, secret: ${inFile(folder, 'jwt', shared)} }`,
        '  apiKeys:',
        `    - { name: backend, sha256: ${createHash('sha256').update(apiKey).digest('hex')}, scopes: [impersonate] }`,
        'apps:',
        `  assistant: { baseUrl: "${sandbox.url}", key: ${sandbox.apps[0]?.key} }`,
      ].join('\n'),
    );
    const given = [...tokens, apiKey, wrong, `run_${wrong}`, 'Bearer', `${tokens[0]}x`];
    const statuses = new Set<number>();
    for (const one of given)
      for (const path of [
        '/graphql',
        '/files/assistant/x',
        '/runs/x/events',
        `/runs/x/events?token=${one}`,
        '/graphql?accept',
      ]) {
        const isGraphQL = path.startsWith('/graphql');
        const response = await fetch(new URL(path, server.url), {
          method: isGraphQL ? 'POST' : 'GET',
          headers: { authorization: `Bearer ${one}`, 'content-type': 'application/json', 'x-user': 'ann' },
          ...(isGraphQL ? { body: JSON.stringify({ query: '{ viewer { id } run(id: "x") { id } }' }) } : {}),
        });
        statuses.add(response.status);
        await response.text();
      }
    expect([...statuses]).toContain(401);
    expect(server.said.join('')).toContain('"viewer":{"id":"ann"}');
    expect(leaks(server.said, [shared, ...given.filter((one) => one.length > 10), sandbox.apps[0]!.key])).toEqual([]);
  }, 60_000);
});
