import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openSandbox } from '../src/sandbox/sandbox.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** The server as a process, in a folder and an environment of its own. */
class Process implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly cwd = mkdtempSync(join(tmpdir(), 'dify-graphql-'));
  out = '';
  error = '';
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  #heard: (() => void) | undefined;

  constructor(args: readonly string[], { env = {}, file }: { env?: Record<string, string>; file?: string } = {}) {
    if (file !== undefined) writeFileSync(join(this.cwd, 'dify-graphql.yaml'), file);
    this.child = spawn(process.execPath, [main, ...args], {
      cwd: this.cwd,
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    this.child.stdout?.on('data', (text: Buffer) => {
      this.out += text.toString();
      this.#heard?.();
    });
    this.child.stderr?.on('data', (text: Buffer) => (this.error += text.toString()));
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#heard?.();
      return (code ?? signal) as number | string;
    });
  }

  /** Its URL, once it listens: the last line of its greeting has come. */
  async url(): Promise<string> {
    while (!this.out.includes('Anyone can be anyone')) {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}: ${this.error}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
    return /http:\S+\/graphql/.exec(this.out)?.[0] ?? '';
  }

  async query(query: string, user = 'anonymous'): Promise<unknown> {
    const headers = { 'content-type': 'application/json', 'x-user': user };
    const response = await fetch(await this.url(), { method: 'POST', headers, body: JSON.stringify({ query }) });
    return response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
    rmSync(this.cwd, { recursive: true });
  }
}

/** A Dify to be configured, and the key of its assistant. */
async function openDify() {
  const sandbox = await openSandbox({ pace: 0 });
  return Object.assign(sandbox, { key: sandbox.apps[0]?.key ?? '' });
}

describe('started with nothing', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('it says so, answers from the sandbox and ends on %s', async (signal) => {
    await using server = new Process(['--port', '0']);
    expect(await server.query('{ viewer { id } app { name mode } }')).toEqual({
      data: { viewer: { id: 'anonymous' }, app: { name: 'assistant', mode: 'CHAT' } },
    });
    expect(server.out.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^No app is configured: .* stand-in for Dify at http:\/\/127\.0\.0\.1:\d+\/v1\.$/),
      expect.stringMatching(/^GraphQL and GraphiQL: http:\/\/127\.0\.0\.1:\d+\/graphql$/),
      expect.stringMatching(/^Apps: assistant, thinker, /),
      expect.stringContaining('Do not expose this to untrusted clients.'),
    ]);
    server.child.kill(signal);
    expect(await server.ended).toBe(0);
  });
});

test('whoever opens the page sees all of the demo, and no more than others of what is configured', async () => {
  await using dify = await openDify();
  const file = `
    server: { port: 0 }
    apps: { helper: { baseUrl: "${dify.url}", key: ${dify.key} } }`;
  await using demo = new Process(['--port', '0']);
  await using configured = new Process([], { file });
  expect(await demo.query('{ viewer { scopes } }', 'me')).toEqual({ data: { viewer: { scopes: ['admin'] } } });
  expect(await demo.query('{ viewer { scopes } }', 'ann')).toEqual({ data: { viewer: { scopes: [] } } });
  expect(await configured.query('{ viewer { scopes } }', 'me')).toEqual({ data: { viewer: { scopes: [] } } });
});

describe('started with apps', () => {
  test('of a file it serves those, and tells nobody their keys', async () => {
    await using dify = await openDify();
    const file = `
      server: { port: 0, graphiql: false, logLevel: trace }
      defaultApp: helper
      apps:
        other: { baseUrl: "${dify.url}", key: ${dify.apps[4]?.key} }
        helper: { baseUrl: "${dify.url}", key: "\${HELPER_KEY}", description: Helps. }`;
    await using server = new Process([], { file, env: { HELPER_KEY: dify.key } });
    const query =
      'mutation { chat(input: { query: "!echo hi" }) { answer run { app { name title description mode } } } }';
    expect(await server.query(query)).toEqual({
      data: {
        chat: {
          answer: 'hi',
          run: { app: { name: 'helper', title: 'Assistant', description: 'Helps.', mode: 'CHAT' } },
        },
      },
    });
    expect(server.out).toMatch(/^GraphQL: http:\/\/127\.0\.0\.1:\d+\/graphql\nApps: other, helper\n/);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(server.out + server.error).not.toContain(dify.key);
    expect(server.error).toContain('run ended');
  });

  test('of the environment it serves the one', async () => {
    await using dify = await openDify();
    const env = { DIFY_API_KEY: dify.key, DIFY_BASE_URL: dify.url, DIFY_APP_NAME: 'mine', PORT: '0' };
    await using server = new Process([], { env });
    expect(await server.query('{ apps { name title isDefault } }')).toEqual({
      data: { apps: [{ name: 'mine', title: 'Assistant', isDefault: true }] },
    });
    expect(server.out).not.toContain('No app is configured');
    expect(server.out + server.error).not.toContain(dify.key);
  });
});

describe('asked to end', () => {
  /** A server with an answer under way that says “Hi” when it is released. */
  async function underWay() {
    const dify = await openDify();
    const held = Promise.withResolvers<void>();
    const frame = (event: object) => `data: ${JSON.stringify({ task_id: 't', message_id: 'm', ...event })}\n\n`;
    dify.script('assistant', {
      steps: [
        { write: frame({ event: 'message', answer: 'H' }) },
        { until: held.promise },
        { write: frame({ event: 'message', answer: 'i' }) + frame({ event: 'message_end' }) },
      ],
    });
    const server = new Process(['--port', '0'], { env: { DIFY_API_KEY: dify.key, DIFY_BASE_URL: dify.url } });
    const answer = server.query('mutation { chat(input: { query: "a" }) { answer complete } }');
    answer.catch(() => {});
    await expect.poll(() => dify.open, { timeout: 10_000 }).toBe(1);
    return {
      server,
      answer,
      release: held.resolve,
      async [Symbol.asyncDispose]() {
        held.resolve();
        await server[Symbol.asyncDispose]();
        await dify.close();
      },
    };
  }

  test('it lets an answer finish first, also when it is asked twice at once', async () => {
    await using rig = await underWay();
    const { server, answer, release } = rig;
    const url = await server.url();
    server.child.kill('SIGINT');
    server.child.kill('SIGTERM');
    const refused = () =>
      fetch(url).then(
        async (response) => void (await response.text()),
        () => 'refused',
      );
    await expect.poll(refused).toBe('refused');
    release();
    expect(await answer).toEqual({ data: { chat: { answer: 'Hi', complete: true } } });
    expect(await server.ended).toBe(0);
  });

  test('it ends at once, as a failure, when it is asked again after a while', async () => {
    await using rig = await underWay();
    const { server, answer } = rig;
    const cut = answer.catch(() => 'cut off');
    server.child.kill('SIGTERM');
    // What counts as impatience is more than a second.
    await sleep(1_100);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(1);
    expect(await cut).toBe('cut off');
  });
});

describe('started wrongly', () => {
  test('it lists every problem of the configuration, and ends with 1', async () => {
    const file = `
server:
  port: high
  colour: blue
defaultApp: nobody
apps:
  one:
    baseUrl: ftp://example.org
    key: "\${NO_SUCH_VARIABLE}"
`;
    await using server = new Process(['--host'], { file, env: { LOG_LEVEL: 'loud' } });
    expect(await server.ended).toBe(1);
    expect(server.out).toBe('');
    const lines = server.error.trimEnd().split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^--host: needs a value/),
        expect.stringMatching(/^dify-graphql\.yaml:3 server\.port: /),
        expect.stringMatching(/^dify-graphql\.yaml:4 server: unknown key/),
        expect.stringMatching(/^dify-graphql\.yaml:5 defaultApp: /),
        expect.stringMatching(/^dify-graphql\.yaml:8 apps\.one\.baseUrl: /),
        expect.stringMatching(/^dify-graphql\.yaml:9 apps\.one\.key: .*NO_SUCH_VARIABLE/),
        expect.stringMatching(/^LOG_LEVEL: /),
      ]),
    );
    expect(lines).toHaveLength(7);
  });

  test.each([
    ['with the sandbox', {}],
    ['with an app', { DIFY_API_KEY: 'app-0123456789abcdef' }],
  ])('it says that its port is taken, and ends with 1: %s', async (_, env) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await using server = new Process([], { env: { ...env, PORT: String(port) } });
    expect(await server.ended).toBe(1);
    expect(server.error).toBe(
      `listen EADDRINUSE: address already in use 127.0.0.1:${port}. Choose another port, for GraphQL with PORT=8001 npm start\n`,
    );
    expect(server.out).not.toContain('/graphql');
    other.close();
  });

  test('it is not reached from elsewhere while anybody could be anybody', async () => {
    await using server = new Process(['--port', '0'], { env: { HOST: '0.0.0.0' } });
    expect(await server.ended).toBe(1);
    expect(server.error).toMatch(/^HOST: is reached from elsewhere, and anybody could be anybody: set up auth .*\n$/);
    expect(server.out).toBe('');
  });

  test('it does not know every option', async () => {
    await using server = new Process(['--prot', '8001']);
    expect(await server.ended).toBe(1);
    expect(server.error).toContain('did you mean --port?');
  });
});

test.each(['--help', '-h'])('%s shows how it is used, and does nothing', async (flag) => {
  await using server = new Process([flag, '--nonsense']);
  expect(await server.ended).toBe(0);
  expect(server.out).toContain('Usage: dify-graphql [options]');
  expect(server.error).toBe('');
});
