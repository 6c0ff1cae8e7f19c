import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Config, ConfigError, type ConfigSource, loadConfig, usage } from '../src/config.ts';

const key = 'app-0123456789abcdefghijklmn';
let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'config-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

/** Loads what the usual file, the environment and the command line say. */
function load(file?: string, { argv = [], env = {} }: Partial<ConfigSource> = {}): Config {
  const path = join(cwd, 'dify-graphql.yaml');
  rmSync(path, { force: true });
  if (file !== undefined) writeFileSync(path, file);
  return loadConfig({ argv, env, cwd });
}

/** The lines of the message; empty when nothing is wrong. */
function problems(file?: string, source?: Partial<ConfigSource>): readonly string[] {
  try {
    load(file, source);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems).toHaveLength(error.message.split('\n').length);
    return error.message.split('\n');
  }
}

const limits: Config['limits'] = {
  document: { tokens: 2_000, depth: 20, aliases: 50, directives: 50, rootFields: 20, cost: 10_000, values: 10_000 },
  introspection: true,
  suggestions: true,
  persistedOperations: undefined,
  user: { operationsPerMinute: 600, runsPerMinute: 60, runsAtOnce: 20, connections: 100 },
  address: { operationsPerMinute: 6_000, connections: 1_000 },
  app: { runsPerMinute: 0 },
  socket: { operations: 100, messagesPerSecond: 100, idleMinutes: 10 },
  connections: 10_000,
  headersMs: 10_000,
  bodyMs: 30_000,
  bodyMegabytes: 512,
  proxies: [],
};

/** A file with one good app, and `lines` in it. */
const withApp = (...lines: string[]) =>
  ['apps:', '  support:', '    baseUrl: https://dify.example.com/v1', `    key: ${key}`, ...lines].join('\n');

describe('a configuration file', () => {
  test('is not needed: without one nothing is configured and every default holds', () => {
    expect(load()).toEqual({
      server: {
        host: '127.0.0.1',
        port: 8000,
        graphiql: true,
        logLevel: 'info',
        drainMs: 10_000,
        admins: [],
        publicUrl: undefined,
        cors: [],
        logContent: false,
        secret: undefined,
        maxUploadMegabytes: 25,
        fileUrlMinutes: 60,
      },
      auth: { jwt: [], apiKeys: [], proxy: undefined, allowAnonymous: false },
      apps: [],
      defaultApp: undefined,
      runs: { keepMinutes: 60, keepMegabytes: 256, keepCount: 10_000, abandonMs: 15_000 },
      limits,
      sandbox: { pace: 1, port: 0, recordings: undefined, version: undefined },
      file: undefined,
    });
  });

  test.each(['', '# nothing yet\n', 'apps:\nserver:\nruns:\ndefaultApp:\n', '{}', '\u{feff}# with a BOM\r\n'])(
    'may be empty or have empty sections: %j',
    (text) => {
      expect(load(text)).toEqual({ ...load(), file: join(cwd, 'dify-graphql.yaml') });
    },
  );

  test('is read whole, with apps in the order they are written', () => {
    const text = `
server:
  host: 0.0.0.0
  port: 80
  graphiql: false
  logLevel: debug
  drainMs: 0
  admins: [ann]
  publicUrl: https://chat.example.com/ai/
  secret: 0123456789abcdef0123456789abcdef
  cors: [https://app.example.com]
  logContent: true
  maxUploadMegabytes: 100
  fileUrlMinutes: 5
  metricsPort: 9100
auth: { allowAnonymous: true }
defaultApp: support
apps:
  writer: { baseUrl: "http://localhost:5001/v1//", key: other-prefix }
  support:
    description: Answers our customers
    baseUrl: https://proxy.example.com/dify/
    filesUrl: https://files.example.com/dify/
    key: ${key}
    timeouts: { idleMs: 60000 }
    nodeData: true
    checkInputs: false
    maxRuns: 8
    maxQueued: 0
    queueMs: 60000
    maxReads: 4
runs: { keepMinutes: 5, keepMegabytes: 16, keepCount: 100, abandonMs: 1000 }
sandbox: { pace: 0.5 }
`;
    const timeouts = { connectMs: 10_000, headersMs: 60_000, idleMs: 35_000, runMs: 1_500_000 };
    expect(load(text)).toEqual({
      server: {
        host: '0.0.0.0',
        port: 80,
        graphiql: false,
        logLevel: 'debug',
        drainMs: 0,
        admins: ['ann'],
        publicUrl: 'https://chat.example.com/ai',
        secret: '0123456789abcdef0123456789abcdef',
        cors: ['https://app.example.com'],
        logContent: true,
        maxUploadMegabytes: 100,
        fileUrlMinutes: 5,
        metricsPort: 9100,
      },
      auth: { jwt: [], apiKeys: [], proxy: undefined, allowAnonymous: true },
      apps: [
        {
          name: 'writer',
          description: undefined,
          baseUrl: 'http://localhost:5001/v1',
          filesUrl: undefined,
          key: 'other-prefix',
          nodeData: false,
          checkInputs: true,
          maxRuns: 0,
          maxQueued: 100,
          queueMs: 300_000,
          maxReads: 0,
          timeouts,
        },
        {
          name: 'support',
          description: 'Answers our customers',
          baseUrl: 'https://proxy.example.com/dify',
          filesUrl: 'https://files.example.com/dify',
          key,
          nodeData: true,
          checkInputs: false,
          maxRuns: 8,
          maxQueued: 0,
          queueMs: 60_000,
          maxReads: 4,
          timeouts: { ...timeouts, idleMs: 60_000 },
        },
      ],
      defaultApp: 'support',
      redis: undefined,
      runs: { keepMinutes: 5, keepMegabytes: 16, keepCount: 100, abandonMs: 1_000 },
      limits,
      sandbox: { pace: 0.5, port: 0, recordings: undefined, version: undefined },
      file: join(cwd, 'dify-graphql.yaml'),
    });
  });

  test('can share settings between apps with YAML anchors', () => {
    const { apps } = load(
      withApp(
        '    timeouts: &slow { idleMs: 9 }',
        '  b:',
        '    baseUrl: https://b/v1',
        '    key: k',
        '    timeouts: *slow',
      ),
    );
    expect(apps.map(({ timeouts }) => timeouts.idleMs)).toEqual([9, 9]);
  });

  test('makes its first app the default', () => {
    expect(load(withApp()).defaultApp).toBe('support');
  });

  test('is found where --config, -c or DIFY_GRAPHQL_CONFIG says, the command line first', () => {
    writeFileSync(join(cwd, 'other.yaml'), 'server: { port: 1 }');
    writeFileSync(join(cwd, 'another.yaml'), 'server: { port: 2 }');
    const env = { DIFY_GRAPHQL_CONFIG: 'another.yaml' };
    expect(load(undefined, { argv: ['--config', 'other.yaml'], env }).server.port).toBe(1);
    expect(load(undefined, { argv: ['-c', join(cwd, 'other.yaml')], env }).server.port).toBe(1);
    expect(load(undefined, { argv: ['--config=other.yaml'] }).file).toBe(join(cwd, 'other.yaml'));
    expect(load(undefined, { env }).server.port).toBe(2);
  });

  test('must exist and be readable if it is named', () => {
    expect(problems(undefined, { argv: ['--config', 'no.yaml'] })).toEqual(['--config: there is no file no.yaml']);
    expect(problems(undefined, { env: { DIFY_GRAPHQL_CONFIG: 'no.yaml' } })).toEqual([
      'DIFY_GRAPHQL_CONFIG: there is no file no.yaml',
    ]);
    expect(problems(undefined, { argv: ['-c', '.'] })).toEqual(['--config: the file . cannot be read (EISDIR)']);
  });

  test('cannot be changed after it was read', () => {
    const config = load(withApp());
    expect(() => Object.assign(config.server, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.apps[0]!.timeouts, { idleMs: 1 })).toThrow(TypeError);
    expect(() => (config.apps as unknown[]).pop()).toThrow(TypeError);
  });
});

describe('limits', () => {
  test('are changed one by one', () => {
    const file =
      'limits:\n  introspection: false\n  user: { runsAtOnce: 3 }\n  persistedOperations: ops\n  proxies: [10.0.0.0/8]';
    expect(load(file).limits).toEqual({
      ...limits,
      introspection: false,
      user: { ...limits.user, runsAtOnce: 3 },
      persistedOperations: 'ops',
      proxies: ['10.0.0.0/8'],
    });
  });

  test.each([
    [
      'limits:\n  user:\n    runsAtOne: 3',
      ':3 limits.user.runsAtOne: unknown key "runsAtOne": did you mean runsAtOnce?',
    ],
    ['limits:\n  document: { depth: 0 }', ':2 limits.document.depth: write a whole number from 1 to 1000'],
    ['limits:\n  socket: 5', ':2 limits.socket: write its settings as `name: value`, indented below it'],
    ['limits:\n  proxies: [10.0.0.0/33]', ':2 limits.proxies: write an address, such as 10.0.0.5 or 10.0.0.0/8'],
    ['limits:\n  suggestions: no', ':2 limits.suggestions: write true or false'],
  ])('with a mistake are refused with its line: %j', (file, message) => {
    expect(problems(file)).toEqual([`dify-graphql.yaml${message}`]);
  });
});

describe('the origins of pages', () => {
  test('are read as browsers send them', () => {
    const { server } = load('server:\n  cors: ["https://App.example.com/", "http://localhost:5173", "*"]');
    expect(server.cors).toEqual(['https://app.example.com', 'http://localhost:5173', '*']);
  });

  test.each([
    'app.example.com',
    'https://*.example.com',
    'https://a.example/path',
    'ws://a.example',
    '"https://a@b.example"',
  ])('are nothing else: %s', (origin) => {
    expect(problems(`server:\n  cors: [${origin}]`)).toEqual([
      expect.stringMatching(/^dify-graphql\.yaml:2 server\.cors.*: write scheme, host and port alone/),
    ]);
  });
});

describe('a placeholder', () => {
  const description = (text: string, env = {}) =>
    load(withApp(`    description: ${text}`), { env }).apps[0]!.description;

  test('is filled from the environment, inside a text too', () => {
    expect(description('"to ${A} and ${B}"', { A: 'Ada', B: '' })).toBe('to Ada and ');
  });

  test('takes its default when the variable is unset or empty', () => {
    expect(description('"${A:-no: one}"', { A: '' })).toBe('no: one');
    expect(description('${A:-}')).toBe('');
    expect(description('${A:-none}', { A: 'some' })).toBe('some');
  });

  test('is written as $${ when the characters themselves are meant', () => {
    expect(description('$${A} costs $5')).toBe('${A} costs $5');
  });

  test('is not filled twice: what a variable holds is taken as it is', () => {
    expect(description('${A}', { A: '${B}' })).toBe('${B}');
  });

  test('can stand for a number or a truth value', () => {
    const { server } = load('server:\n  port: ${P}\n  graphiql: ${G}', { env: { P: '81', G: 'false' } });
    expect(server).toMatchObject({ port: 81, graphiql: false });
  });

  test('is filled from a file, without the line end that closes it', () => {
    const path = join(cwd, 'secret');
    writeFileSync(path, `${key}\r\n`);
    const file = withApp().replace(key, `\${file:${path}}`);
    expect(load(file).apps[0]).toMatchObject({ key });
    writeFileSync(path, 'two\n${A}\n\n');
    expect(description(`"from \${file:${path}}"`)).toBe('from two\n${A}\n');
  });

  test('names only files that can be read, and never repeats how they are named', () => {
    const wrong = (place: string) => problems(withApp(`    description: "\${file:${place}}"`));
    expect(wrong(join(cwd, 'missing'))).toEqual([
      'dify-graphql.yaml:5 apps.support.description: names a file that cannot be read (ENOENT)',
    ]);
    expect(wrong(cwd)).toEqual([expect.stringContaining('cannot be read (EISDIR)')]);
    expect(wrong('secrets/key')).toEqual([expect.stringContaining('not absolute: write ${file:/run/secrets/name}')]);
    expect(wrong(key).join()).not.toContain(key);
  });

  test('is not filled in names', () => {
    expect(problems('${A}: 1', { env: { A: 'server' } })).toHaveLength(1);
  });
});

describe('the environment', () => {
  test('overrides the file, and the command line overrides both', () => {
    const file = 'auth: { allowAnonymous: true }\nserver: { port: 1, host: a, logLevel: error }';
    const env = { PORT: '2', HOST: 'b', LOG_LEVEL: 'silent' };
    expect(load(file, { env }).server).toMatchObject({ port: 2, host: 'b', logLevel: 'silent' });
    expect(load(file, { env, argv: ['--port', '0', '--host=c'] }).server).toMatchObject({ port: 0, host: 'c' });
    expect(load(file, { env: { PORT: '', HOST: '', LOG_LEVEL: '' } }).server).toMatchObject({ port: 1, host: 'a' });
  });

  test('makes a single app of DIFY_API_KEY', () => {
    expect(load(undefined, { env: { DIFY_API_KEY: key } })).toMatchObject({
      apps: [{ name: 'default', baseUrl: 'https://api.dify.ai/v1', key, timeouts: { idleMs: 35_000 } }],
      defaultApp: 'default',
    });
    const env = { DIFY_API_KEY: key, DIFY_BASE_URL: 'http://nginx/v1/', DIFY_APP_NAME: 'bot' };
    expect(load('server: { port: 1 }\ndefaultApp: bot', { env })).toMatchObject({
      server: { port: 1 },
      apps: [{ name: 'bot', baseUrl: 'http://nginx/v1' }],
      defaultApp: 'bot',
    });
  });

  test('makes no app of an empty DIFY_API_KEY', () => {
    expect(load(undefined, { env: { DIFY_API_KEY: '' } }).apps).toEqual([]);
    expect(load(withApp(), { env: { DIFY_API_KEY: '' } }).apps).toHaveLength(1);
  });

  test('may not have a second opinion on the apps', () => {
    expect(problems(withApp(), { env: { DIFY_API_KEY: key } })).toEqual([
      'DIFY_API_KEY: is set, but dify-graphql.yaml has apps: unset it to serve those, or remove `apps` there to serve this one',
    ]);
  });

  test('can hold the key of an app of the file under the name DIFY_API_KEY', () => {
    const file = 'apps:\n  a:\n    baseUrl: https://a/v1\n    key: ${DIFY_API_KEY}';
    expect(load(file, { env: { DIFY_API_KEY: key } }).apps).toMatchObject([{ name: 'a', key }]);
  });

  test('is told what is wrong with it, variable by variable', () => {
    const env = {
      PORT: '80a',
      LOG_LEVEL: 'loud',
      HOST: 'a b',
      DIFY_API_KEY: 'a b',
      DIFY_BASE_URL: 'dify',
      DIFY_APP_NAME: '1',
    };
    expect(problems(undefined, { env })).toEqual([
      'HOST: write an address, such as 0.0.0.0',
      'PORT: write a whole number from 0 to 65535',
      'LOG_LEVEL: write one of fatal, error, warn, info, debug, trace, silent',
      'DIFY_APP_NAME: app names start with a letter and have up to 64 letters, digits, _ and -',
      'DIFY_BASE_URL: write a URL that starts with https:// or http://',
      'DIFY_API_KEY: has white space or letters beyond ASCII in it: write the key alone',
    ]);
  });
});

describe('the command line', () => {
  test('leaves --help to the caller', () => {
    expect(load(undefined, { argv: ['--help'] })).toEqual(load(undefined, { argv: ['-h'] }));
    for (const option of ['--config', '--port', '--host', '--help']) expect(usage).toContain(option);
  });

  test('is told about every argument that is not understood', () => {
    expect(
      problems(undefined, { argv: ['--prot', '80', '--quiet=1', '--port', '--quiet', '--host=', '--port=x'] }),
    ).toEqual([
      'argument 1: unknown option: did you mean --port?',
      'argument 2: does not belong to an option; see --help',
      'argument 3: unknown option; see --help',
      '--port: needs a value: write --port VALUE',
      '--host: needs a value: write --host VALUE',
      '--port: write a whole number from 0 to 65535',
    ]);
  });
});

/** A broken file, and what is said about it behind `dify-graphql.yaml`. */
const broken: readonly (readonly [what: string, file: string, ...messages: string[]])[] = [
  ['a list at the top', '# apps\n- apps', ': write its settings as `name: value`, indented below it'],
  ['a text at the top', 'apps', ': write its settings as `name: value`, indented below it'],
  [
    'a mistyped name',
    withApp('    baseURL: x'),
    ':5 apps.support.baseURL: unknown key "baseURL": did you mean baseUrl?',
  ],
  ['a mistyped section', 'sever: { port: 1 }', ':1 sever: unknown key "sever": did you mean server?'],
  [
    'unknown names',
    'server:\n  tls: on\n  cert: x\nports: 1',
    ':2 server: unknown key: write one of host, port, graphiql, logLevel, drainMs, admins, logContent, cors, publicUrl, secret, maxUploadMegabytes, fileUrlMinutes, metricsPort',
    ':3 server: unknown key: write one of host, port, graphiql, logLevel, drainMs, admins, logContent, cors, publicUrl, secret, maxUploadMegabytes, fileUrlMinutes, metricsPort',
    ':4: unknown key: write one of server, auth, defaultApp, apps, runs, limits, redis, sandbox',
  ],
  [
    'an unknown timeout',
    withApp('    timeouts:', '      total: 1'),
    ':6 apps.support.timeouts: unknown key: write one of connectMs, headersMs, idleMs, runMs',
  ],
  [
    'an app without settings',
    '\napps:\n\n  support:\n',
    ':4 apps.support.baseUrl: is missing: write the address of Dify’s API, https://api.dify.ai/v1 for Dify’s cloud',
    ':4 apps.support.key: is missing: write the app’s API key, or ${NAME} for an environment variable that holds it',
  ],
  ['a list of apps', 'apps:\n  - support', ':1 apps: write each app as `name:`, with its settings indented below it'],
  ['an app that is a text', 'apps:\n  a: b', ':2 apps.a: write its settings as `name: value`, indented below it'],
  [
    'names that no app can have',
    `${withApp().replace('support', '1st')}\n  ${'a'.repeat(65)}: { baseUrl: https://b/v1, key: k }`,
    ':2 apps: app names start with a letter and have up to 64 letters, digits, _ and -',
    ':5 apps: app names start with a letter and have up to 64 letters, digits, _ and -',
  ],
  [
    'a default that is no app',
    `defaultApp: help\n${withApp()}`,
    ':1 defaultApp: no app has this name: write one of support',
  ],
  ['a default without apps', 'defaultApp: help', ':1 defaultApp: there are no apps: remove it'],
  [
    'numbers out of bounds and of the wrong kind',
    'server:\n  port: 65536\n  drainMs: 1.5\nruns:\n  keepMinutes: -1\n  keepCount: many\nsandbox: { pace: .inf }',
    ':2 server.port: write a whole number from 0 to 65535',
    ':3 server.drainMs: write a whole number from 0 to 2147483647',
    ':5 runs.keepMinutes: write a whole number from 1 to 35791',
    ':6 runs.keepCount: write a whole number from 1 to 10000000',
    ':7 sandbox.pace: write a number from 0 to 1000',
  ],
  [
    'a public address that is none, and a secret that is short',
    'server:\n  publicUrl: chat.example.com\n  secret: hunter2\n  maxUploadMegabytes: 0\n  fileUrlMinutes: 10081',
    ':2 server.publicUrl: write a URL that starts with https:// or http://, without user, ? or #',
    ':3 server.secret: is too short to be one: write 32 random characters or more, or ${NAME} for a variable that holds them',
    ':4 server.maxUploadMegabytes: write a whole number from 1 to 1024',
    ':5 server.fileUrlMinutes: write a whole number from 1 to 10080',
  ],
  [
    'other values of the wrong kind',
    'server:\n  graphiql: yes\n  logLevel: loud\n  host: 1\ndefaultApp: [a]\nruns: 5',
    ':2 server.graphiql: write true or false',
    ':3 server.logLevel: write one of fatal, error, warn, info, debug, trace, silent',
    ':4 server.host: write an address, such as 0.0.0.0',
    ':5 defaultApp: write the name of one of the apps',
    ':6 runs: write its settings as `name: value`, indented below it',
  ],
  [
    'a description that is no text',
    withApp('    description: 2024'),
    ':5 apps.support.description: is not a text: put it in quotes',
  ],
  ['a name written twice', withApp('    key: b'), ':5: this name is written twice in one place: keep one'],
  [
    'a variable that is not set',
    'server:\n  port: ${P}\napps:\n  a:\n    baseUrl: https://a/v1\n    key: ${A_KEY}',
    ':2 server.port: the environment variable P is not set: set it, or write ${P:-default}',
    ':6 apps.a.key: the environment variable A_KEY is not set: set it, or write ${A_KEY:-default}',
  ],
  [
    'a placeholder that names no variable',
    withApp('    description: ${my-name}').replace('/v1', '/${v1'),
    ':3 apps.support.baseUrl: has a ${ that names no variable: write ${NAME}, ${NAME:-default}, ${file:/run/secrets/name}, or $${ for the characters themselves',
    ':5 apps.support.description: has a ${ that names no variable: write ${NAME}, ${NAME:-default}, ${file:/run/secrets/name}, or $${ for the characters themselves',
  ],
  [
    'a placeholder between braces without quotes',
    'server: { port: ${P} }',
    ':1: does not belong here: put text with { } [ ] , # in quotes, also "${NAME}" between braces',
  ],
  ['tabs', 'server:\n\tport: 1', ':2: is indented with a tab: use spaces'],
  [
    'a missing space',
    `apps:\n  a:\n    key:${key}\n    baseUrl: https://a/v1`,
    ':3: has no colon and space after the name: write `name: value`',
  ],
  [
    'a missing quote',
    `apps:\n  a:\n    key: "${key}`,
    ':3: a quote, bracket, comma or colon is missing here or before',
  ],
  [
    'an alias of nothing',
    `apps:\n  a:\n    baseUrl: https://a/v1\n    key: *${key}`,
    ':4 apps.a.key: no value has this name: put a value that starts with * in quotes',
  ],
  [
    'an unknown tag',
    withApp(`    description: !${key} x`),
    ':5: has an unknown tag: put a value that starts with ! in quotes',
  ],
  ['two documents', 'runs:\n---\nserver:', ':2: a second document starts here: keep one'],
];

describe('a broken file', () => {
  test.each(broken)('with %s is refused with the line and what to write', (_, file, ...messages) => {
    expect(problems(file)).toEqual(messages.map((message) => `dify-graphql.yaml${message}`));
  });

  test.each([
    ['https://dify.example.com', 'Dify’s API lives under /v1: write https://dify.example.com/v1'],
    ['http://localhost:5001/', 'Dify’s API lives under /v1: write http://localhost:5001/v1'],
    ['dify.example.com/v1', 'write a URL that starts with https:// or http://'],
    ['ftp://dify.example.com/v1', 'write a URL that starts with https:// or http://'],
    ['https://me@dify.example.com/v1', 'has a user or password in it: write the URL without them'],
    ['https://dify.example.com/v1?a=b', 'has a ? or # in it: write the URL up to there'],
    ['"https://dify.example.com/v1#"', 'has a ? or # in it: write the URL up to there'],
    ['5001', 'write a text, such as https://dify.example.com/v1'],
  ])('with the address %s is refused', (baseUrl, message) => {
    expect(problems(`apps:\n  a:\n    key: k\n    baseUrl: ${baseUrl}`)).toEqual([
      `dify-graphql.yaml:4 apps.a.baseUrl: ${message}`,
    ]);
  });

  test.each([
    ['files.example.com', 'write a URL that starts with https:// or http://, without user, ? or #'],
    ['https://me@files.example.com', 'write a URL that starts with https:// or http://, without user, ? or #'],
    ['https://files.example.com?a', 'write a URL that starts with https:// or http://, without user, ? or #'],
    ['5001', 'write a text, such as https://files.example.com'],
  ])('with the address %s of files is refused', (filesUrl, message) => {
    expect(problems(withApp(`    filesUrl: ${filesUrl}`))).toEqual([
      `dify-graphql.yaml:5 apps.support.filesUrl: ${message}`,
    ]);
  });

  test.each([
    ['""', 'is empty: write the app’s API key'],
    ['app-é', 'has white space or letters beyond ASCII in it: write the key alone'],
    ['app 1', 'has white space or letters beyond ASCII in it: write the key alone'],
    ['dataset-1', 'is a knowledge key: write the key of an app, which starts with app-'],
    ['123', 'is not a text: put it in quotes'],
  ])('with the key %s is refused', (wrong, message) => {
    expect(problems(`apps:\n  a:\n    baseUrl: https://a/v1\n    key: ${wrong}`)).toEqual([
      `dify-graphql.yaml:4 apps.a.key: ${message}`,
    ]);
  });

  test('is reported together with the environment and the command line, as data too', () => {
    const argv = ['--port', 'x'];
    try {
      load('server: { host: 1 }\nruns: 5', { argv, env: { LOG_LEVEL: 'loud' } });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        name: 'ConfigError',
        problems: [
          { file: 'dify-graphql.yaml', line: 1, path: 'server.host' },
          { file: 'dify-graphql.yaml', line: 2, path: 'runs' },
          { file: undefined, line: undefined, path: '--port' },
          { file: undefined, line: undefined, path: 'LOG_LEVEL' },
        ],
      });
    }
  });
});

describe('keys never appear in any output', () => {
  /** Says nothing of the key, however it is printed. */
  function expectSilence(canary: string, file: string | undefined, source: Partial<ConfigSource> = {}) {
    try {
      load(file, source);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const output = [error.message, error.stack, JSON.stringify(error.problems), inspect(error, { depth: 9 })].join(
        '\n',
      );
      expect(output.toLowerCase()).not.toContain(canary.toLowerCase());
    }
  }

  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.split('');
  const secret = fc.string({ unit: fc.constantFrom(...letters), minLength: 24, maxLength: 24 });
  const good = withApp('    description: "our # helper"', 'server: { host: 0.0.0.0, port: 1 }', 'defaultApp: support');

  test('whatever is typed into a file around them', () => {
    const slip = fc.tuple(
      fc.nat(good.length),
      fc.nat(3),
      fc.constantFrom(
        '',
        ' ',
        '\n',
        '\t',
        ':',
        ': ',
        '"',
        "'",
        '{',
        '}',
        '[',
        ']',
        ',',
        '#',
        '- ',
        '&',
        '*',
        '!',
        '|',
        '>',
        '%',
        '@',
        '`',
        '? ',
        '${',
        '\\',
        '---\n',
        '<<: ',
      ),
    );
    fc.assert(
      fc.property(secret, fc.array(slip, { minLength: 1, maxLength: 4 }), (letters, slips) => {
        const canary = `app-${letters}`;
        let file = good.replace(key, canary);
        for (const [at, cut, put] of slips) file = file.slice(0, at) + put + file.slice(at + cut);
        expectSilence(letters, file);
      }),
      { numRuns: 2000 },
    );
  });

  test('wherever they are put by mistake', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...broken.map(([, file]) => file), good), fc.nat(99), (letters, file, at) => {
        const canary = `app-${letters}`;
        // In the place of any word, of names as well.
        const words = [...file.matchAll(/[\w-]+/g)];
        const word = words[at % words.length];
        if (!word) return;
        expectSilence(letters, file.slice(0, word.index) + canary + file.slice(word.index + word[0].length));
      }),
      { numRuns: 2000 },
    );
  });

  test('in the environment and the command line too', () => {
    const canary = key;
    for (const name of [
      'PORT',
      'HOST',
      'LOG_LEVEL',
      'DIFY_API_KEY',
      'DIFY_BASE_URL',
      'DIFY_APP_NAME',
      'DIFY_GRAPHQL_CONFIG',
    ]) {
      for (const value of [
        canary,
        `${canary} `,
        `https://${canary}`,
        `https://me:${canary}@dify/v1`,
        `dataset-${canary}`,
      ]) {
        expectSilence(canary, undefined, { env: { DIFY_API_KEY: 'app-other', [name]: value } });
        expectSilence(canary, good, { env: { [name]: value } });
      }
    }
    for (const argv of [
      [canary],
      [`--${canary}`],
      ['--key', canary],
      ['--port', canary],
      ['-c', canary],
      [`--help=${canary}`],
    ]) {
      expectSilence(canary, undefined, { argv });
    }
    expectSilence(canary, withApp('    description: ${NO}'), { env: { A: canary } });
  });
});
