import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig, type ConfigSource } from '../../src/config.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'config-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

function load(file: string, { argv = [], env = {} }: Partial<ConfigSource> = {}) {
  writeFileSync(join(cwd, 'dify-graphql.yaml'), file);
  return loadConfig({ argv, env, cwd });
}

function problems(file: string, source?: Partial<ConfigSource>): readonly string[] {
  try {
    load(file, source);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
}

const pem = (type: 'rsa' | 'ec' | 'ed25519' | 'ed448') => {
  const pair =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : type === 'ed25519'
          ? generateKeyPairSync('ed25519')
          : generateKeyPairSync('ed448');
  return {
    public: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    private: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};
const sha = 'ab'.repeat(32);
const secret = 'a secret of at least thirty-two characters';
const issuer = (line: string) =>
  `auth:\n  jwt:\n    - issuer: https://id.example.com\n      audience: me\n      ${line}`;

describe('auth', () => {
  test('is read whole', () => {
    const file = `
auth:
  jwt:
    - issuer: https://id.example.com
      audience: me
      jwksUrl: https://id.example.com/keys
    - issuer: two
      audience: [a, b]
      secret: \${SECRET}
      algorithms: [HS512]
      clockSkewSeconds: 0
      userClaim: email
      scopesClaim: realm_access.roles
      appsClaim: apps
  apiKeys:
    - { name: crm, sha256: ${sha}, scopes: [impersonate], apps: [support] }
    - { name: report, sha256: ${sha} }
  proxy: { addresses: [10.0.0.0/8, "fd00::1"], scopesHeader: X-Scopes }
apps: { support: { baseUrl: "https://a/v1", key: k } }
`;
    const { auth } = load(file, { env: { SECRET: secret } });
    expect(auth).toEqual({
      jwt: [
        {
          issuer: 'https://id.example.com',
          audience: ['me'],
          jwksUrl: 'https://id.example.com/keys',
          algorithms: expect.arrayContaining(['RS256', 'ES256', 'Ed25519']),
          clockSkewSeconds: 30,
          userClaim: 'sub',
          scopesClaim: 'scope',
        },
        {
          issuer: 'two',
          audience: ['a', 'b'],
          secret,
          algorithms: ['HS512'],
          clockSkewSeconds: 0,
          userClaim: 'email',
          scopesClaim: 'realm_access.roles',
          appsClaim: 'apps',
        },
      ],
      apiKeys: [
        { name: 'crm', sha256: sha, scopes: ['impersonate'], apps: ['support'] },
        { name: 'report', sha256: sha, scopes: [] },
      ],
      proxy: { header: 'x-user', scopesHeader: 'x-scopes', addresses: ['10.0.0.0/8', 'fd00::1'] },
      allowAnonymous: false,
    });
    for (const { algorithms } of auth.jwt) expect(algorithms).not.toContain('none');
    expect(auth.jwt[0]?.algorithms.filter((name) => name.startsWith('HS'))).toEqual([]);
  });

  test.each<['rsa' | 'ec' | 'ed25519', readonly string[]]>([
    ['rsa', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['ec', ['ES256']],
    ['ed25519', ['EdDSA', 'Ed25519']],
  ])('takes a public key, and what it can have signed: %s', (type, algorithms) => {
    const { auth } = load(issuer('publicKey: ${KEY}'), { env: { KEY: pem(type).public } });
    expect(auth.jwt[0]?.algorithms).toEqual(algorithms);
  });

  test('tells what is wrong with each of a list, and where', () => {
    const file = `auth:
  jwt:
    - issuer: https://id.example.com
      jwksUrl: https://id.example.com/keys
    - issuer: two
      audience: me
    - issuer: three
      audience: me
      jwksUrl: https://id.example.com/keys
      algoritms: [RS256]
    - issuer: \${NO_ISSUER}
      audience: []
      secret: short
  apiKeys:
    - name: crm
      sha256: app-key-that-nobody-may-see
    - { name: crm, sha256: ${sha}, scopes: [root] }
  proxy: { addresses: [somewhere] }
`;
    expect(problems(file)).toEqual([
      'dify-graphql.yaml:3 auth.jwt.0.audience: is missing: write what tokens for this server have in their claim `aud`',
      'dify-graphql.yaml:5 auth.jwt.1: write exactly one of jwksUrl, publicKey and secret',
      'dify-graphql.yaml:10 auth.jwt.2.algoritms: unknown key "algoritms": did you mean algorithms?',
      expect.stringMatching(
        /^dify-graphql\.yaml:11 auth\.jwt\.3\.issuer: the environment variable NO_ISSUER is not set/,
      ),
      'dify-graphql.yaml:12 auth.jwt.3.audience: is empty: write what tokens for this server have in their claim `aud`',
      expect.stringMatching(/^dify-graphql\.yaml:13 auth\.jwt\.3\.secret: is too short/),
      expect.stringMatching(/^dify-graphql\.yaml:16 auth\.apiKeys\.0\.sha256: is no SHA-256 in hex/),
      expect.stringMatching(/^dify-graphql\.yaml:17 auth\.apiKeys\.1\.scopes: write some of admin, impersonate$/),
      expect.stringMatching(/^dify-graphql\.yaml:18 auth\.proxy\.addresses: write an address/),
    ]);
  });

  const keyless = 'write exactly one of jwksUrl, publicKey and secret';
  test.each<[string, string, Readonly<Record<string, string>>]>([
    [`secret: ${secret}\n      jwksUrl: https://a/keys`, keyless, {}],
    [`secret: ${secret}\n      algorithms: [RS256]`, 'does not fit the key: write some of HS256', {}],
    ['jwksUrl: https://a/keys\n      algorithms: [HS256]', 'does not fit the key: write some of RS256', {}],
    ['jwksUrl: https://a/keys\n      algorithms: [none]', 'does not fit the key', {}],
    ['jwksUrl: https://a/keys\n      algorithms: []', 'is empty', {}],
    [
      'publicKey: ${KEY}\n      algorithms: [HS256]',
      'does not fit the key: write some of RS256',
      { KEY: pem('rsa').public },
    ],
    ['publicKey: ${KEY}', 'is no public key in PEM', { KEY: pem('rsa').private }],
    ['publicKey: ${KEY}', 'is of a kind that is not taken', { KEY: pem('ed448').public }],
    ['publicKey: rubbish', 'is no public key in PEM', {}],
    ['jwksUrl: ftp://a/keys', 'write a URL that starts with', {}],
    ['jwksUrl: https://ann:secret@a/keys', 'without user', {}],
    ['jwksUrl: https://a/keys\n      clockSkewSeconds: 3600', 'write a whole number from 0 to 600', {}],
  ])('refuses an issuer with %s', (line, message, env) => {
    const told = problems(issuer(line), { env });
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(message);
    expect(told[0]).toMatch(/^dify-graphql\.yaml:\d+ auth\.jwt\.0/);
    for (const hidden of [secret, 'ann:secret', ...Object.values(env)]) expect(told[0]).not.toContain(hidden);
  });

  test('may name two keys the same way only if it has one', () => {
    const keys = `auth: { apiKeys: [{ name: a, sha256: ${sha} }, { name: a, sha256: ${sha} }] }`;
    expect(problems(keys)).toEqual([expect.stringContaining('auth.apiKeys: two keys have the same name')]);
  });

  test('names apps that are served', () => {
    const file = `auth: { apiKeys: [{ name: a, sha256: ${sha}, apps: [suport] }] }\napps: { support: { baseUrl: "https://a/v1", key: k } }`;
    expect(problems(file)).toEqual([
      'dify-graphql.yaml:1 auth.apiKeys.0.apps: there is an app among them that is not served here: write some of support',
    ]);
  });

  test('leaves no room for what it replaces', () => {
    const file = `server: { admins: [ann] }\nauth:\n  allowAnonymous: true\n  proxy: { addresses: [10.0.0.1] }`;
    expect(problems(file)).toEqual([
      expect.stringMatching(/^dify-graphql\.yaml:3 auth\.allowAnonymous: /),
      expect.stringMatching(/^dify-graphql\.yaml:1 server\.admins: /),
    ]);
  });
});

describe('a server that can be reached from elsewhere', () => {
  const message = /is reached from elsewhere, and anybody could be anybody: set up auth/;

  test('needs auth, or that it is wanted without', () => {
    expect(problems('server: { host: 0.0.0.0 }')).toEqual([
      expect.stringMatching(/^dify-graphql\.yaml:1 server\.host: /),
    ]);
    expect(problems('', { env: { HOST: '::' } })).toEqual([expect.stringMatching(/^HOST: /)]);
    expect(problems('', { argv: ['--host', '10.0.0.1'] })).toEqual([expect.stringMatching(message)]);
    expect(problems('server: { host: 0.0.0.0 }\nauth: { allowAnonymous: true }')).toEqual([]);
    expect(problems('server: { host: 0.0.0.0 }\nauth: { proxy: { addresses: [10.0.0.1] } }')).toEqual([]);
    expect(problems(`auth: { apiKeys: [{ name: a, sha256: ${sha} }] }`, { env: { HOST: '0.0.0.0' } })).toEqual([]);
  });

  test.each(['127.0.0.1', '127.8.9.1', 'localhost', '::1'])('is none at %s', (host) => {
    expect(problems('', { env: { HOST: host } })).toEqual([]);
  });
});
