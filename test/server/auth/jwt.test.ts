import { createHmac, createPublicKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { JwtConfig } from '../../../src/config/auth-config.ts';
import { GatewayError } from '../../../src/errors.ts';
import { RunTokens } from '../../../src/runs/run-tokens.ts';
import { identifyBy } from '../../../src/server/auth/identify.ts';
import type { JwksPatience } from '../../../src/server/auth/jwks.ts';
import type { Identity } from '../../../src/server/viewer.ts';
import { AUDIENCE, Issuer, ISSUER, unsigned } from './issuer.ts';

const patience: JwksPatience = { answerMs: 500, coolMs: 0, freshMs: 600_000 };

/** Who somebody is by a token; the code where that is refused. */
function asker(jwt: readonly JwtConfig[], more: JwksPatience = {}) {
  const auth = { jwt, apiKeys: [], proxy: undefined, allowAnonymous: false };
  const logger = pino({ level: 'silent' });
  const parts = { auth, admins: [], runTokens: new RunTokens(), logger, patience: { ...patience, ...more } };
  const identify = identifyBy(parts);
  return async (token: string, headers: Readonly<Record<string, string>> = {}): Promise<Identity | string> => {
    const all: Record<string, string> = { authorization: `Bearer ${token}`, ...headers };
    try {
      return await identify({ header: (name) => all[name] });
    } catch (error) {
      if (error instanceof GatewayError) return error.code;
      throw error;
    }
  };
}

describe('a token', () => {
  test.each(['RS256', 'ES256', 'Ed25519'])('of an issuer that tells its keys is taken: %s', async (alg) => {
    await using issuer = await Issuer.open(alg);
    const ask = asker([issuer.config({ algorithms: [alg] })]);
    const token = await issuer.token('ann', { scope: 'openid admin' });
    expect(await ask(token)).toEqual({ id: 'ann', scopes: ['admin'], apps: null, until: expect.any(Number) });
    expect(await ask(token)).toMatchObject({ id: 'ann' });
    expect(issuer.asked).toBe(1);
  });

  test('is taken by a key that is written down, and by a secret', async () => {
    await using issuer = await Issuer.open();
    const secret = 'a secret of at least thirty-two characters';
    const byKey = asker([issuer.config({ publicKey: issuer.pem, algorithms: ['ES256'] })]);
    const bySecret = asker([issuer.config({ secret, algorithms: ['HS256'] })]);
    expect(await byKey(await issuer.token('ann'))).toMatchObject({ id: 'ann' });
    const shared = await new SignJWT({ sub: 'bob' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(secret));
    expect(await bySecret(shared)).toMatchObject({ id: 'bob' });
    expect(issuer.asked).toBe(0);
  });

  test('is refused when it is not for this server, not by its issuer, too old or too early', async () => {
    await using issuer = await Issuer.open();
    await using other = await Issuer.open();
    const ask = asker([issuer.config()]);
    const tokens = [
      await issuer.token('ann', { aud: 'another' }),
      await issuer.token('ann', { aud: undefined }),
      await issuer.token('ann', { iss: 'https://other.example.com' }),
      await issuer.token('ann', { exp: -1 }),
      await issuer.token('ann', { exp: 'soon' }),
      await issuer.token('ann', { nbf: Math.floor(Date.now() / 1_000) + 60 }),
      await other.token('ann'),
      `${await issuer.token('ann')}x`,
      unsigned({ sub: 'ann' }),
      'a.b.c',
      'rubbish',
      'x'.repeat(20_000),
    ];
    for (const token of tokens) expect(await ask(token), token).toBe('UNAUTHENTICATED');
  });

  test('without an end is refused', async () => {
    await using issuer = await Issuer.open();
    const endless = await new SignJWT({ sub: 'ann', iss: ISSUER, aud: AUDIENCE })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode('a secret of at least thirty-two characters'));
    const ask = asker([issuer.config({ secret: 'a secret of at least thirty-two characters', algorithms: ['HS256'] })]);
    expect(await ask(endless)).toBe('UNAUTHENTICATED');
  });

  test('that is signed with the public key as if it were a secret is refused', async () => {
    await using issuer = await Issuer.open('RS256');
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const exp = Math.floor(Date.now() / 1_000) + 60;
    const text = `${part({ alg: 'HS256' })}.${part({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp })}`;
    const der = createPublicKey(issuer.pem).export({ type: 'spki', format: 'der' });
    for (const key of [issuer.pem, issuer.pem.trim(), der]) {
      const forged = `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
      expect(await asker([issuer.config({ publicKey: issuer.pem, algorithms: ['RS256'] })])(forged)).toBe(
        'UNAUTHENTICATED',
      );
      expect(await asker([issuer.config({ algorithms: ['RS256'] })])(forged)).toBe('UNAUTHENTICATED');
    }
  });

  test('may be a little too old, as clocks differ', async () => {
    await using issuer = await Issuer.open();
    const ask = asker([issuer.config({ clockSkewSeconds: 30 })]);
    const identity = (await ask(await issuer.token('ann', { exp: -5 }))) as Identity;
    expect(identity.id).toBe('ann');
    expect(identity.until! - Date.now()).toBeGreaterThan(20_000);
    expect(await ask(await issuer.token('ann', { exp: -31 }))).toBe('UNAUTHENTICATED');
  });

  test('of one of several issuers is held to that one’s rules', async () => {
    await using one = await Issuer.open();
    await using two = await Issuer.open('RS256');
    const ask = asker([one.config(), two.config({ issuer: 'https://two.example.com', userClaim: 'email' })]);
    expect(await ask(await one.token('ann'))).toMatchObject({ id: 'ann' });
    const claims = { iss: 'https://two.example.com', email: 'bob@example.com' };
    expect(await ask(await two.token('x', claims))).toMatchObject({ id: 'bob@example.com' });
    expect(await ask(await one.token('x', claims))).toBe('UNAUTHENTICATED');
  });

  test('names user, scopes and apps where the configuration says', async () => {
    await using issuer = await Issuer.open();
    const ask = asker([issuer.config({ userClaim: 'email', scopesClaim: 'realm_access.roles', appsClaim: 'apps' })]);
    const claims = { email: 'a@example.com', realm_access: { roles: ['admin', 'other'] }, apps: ['support'] };
    expect(await ask(await issuer.token('x', claims))).toMatchObject({
      id: 'a@example.com',
      scopes: ['admin'],
      apps: ['support'],
    });
    // Who is not told which apps, has none.
    expect(await ask(await issuer.token('x', { email: 'b' }))).toMatchObject({ scopes: [], apps: [] });
  });

  test.each([undefined, '', 5, { id: 'ann' }, 'key:crm', 'a\nb', 'a'.repeat(256)])(
    'that names no user is refused: %j',
    async (sub) => {
      await using issuer = await Issuer.open();
      expect(await asker([issuer.config()])(await issuer.token('x', { sub }))).toBe('UNAUTHENTICATED');
    },
  );

  test('acts for another user only with the scope for it', async () => {
    await using issuer = await Issuer.open();
    const ask = asker([issuer.config()]);
    const plain = await issuer.token('ann');
    const trusted = await issuer.token('desk', { scope: 'impersonate' });
    expect(await ask(plain, { 'x-user': 'ann' })).toMatchObject({ id: 'ann' });
    expect(await ask(plain, { 'x-user': 'eve' })).toBe('FORBIDDEN');
    expect(await ask(trusted, { 'x-user': 'eve' })).toMatchObject({ id: 'eve', scopes: ['impersonate'] });
    expect(await ask(trusted, { 'x-user': 'key:crm' })).toBe('UNAUTHENTICATED');
  });
});

describe('the keys of an issuer', () => {
  test('may change without a restart', async () => {
    await using issuer = await Issuer.open();
    const ask = asker([issuer.config()]);
    const old = await issuer.token('ann');
    expect(await ask(old)).toMatchObject({ id: 'ann' });
    await issuer.rotate('key-2');
    expect(await ask(await issuer.token('bob'))).toMatchObject({ id: 'bob' });
    expect(issuer.asked).toBe(2);
    expect(await ask(old)).toBe('UNAUTHENTICATED');
  });

  test('are not asked for again and again because of tokens with keys that nobody knows', async () => {
    await using issuer = await Issuer.open();
    const ask = asker([issuer.config()], { coolMs: 60_000 });
    for (let nth = 0; nth < 20; nth++)
      expect(await ask(await issuer.token('ann', {}, { kid: `none-${nth}` }))).toBe('UNAUTHENTICATED');
    expect(issuer.asked).toBe(1);
  });

  test('are kept while the issuer is away, and forgotten when it withdraws them', async () => {
    await using issuer = await Issuer.open();
    const ask = asker([issuer.config()], { freshMs: 0 });
    const token = await issuer.token('ann');
    expect(await ask(token)).toMatchObject({ id: 'ann' });
    await issuer.goAway();
    for (let nth = 0; nth < 3; nth++) expect(await ask(token)).toMatchObject({ id: 'ann' });
    await issuer.rotate('key-2');
    await issuer.listen();
    await expect.poll(() => ask(token)).toBe('UNAUTHENTICATED');
  });

  test.each<[string, (issuer: Issuer) => void]>([
    ['an error', (issuer) => (issuer.answer = (response) => void response.writeHead(500).end())],
    ['rubbish', (issuer) => (issuer.answer = (response) => void response.end('<html>'))],
    ['other JSON', (issuer) => (issuer.answer = (response) => void response.end('{"keys":5}'))],
    ['nothing for too long', (issuer) => (issuer.answer = () => {})],
    ['a body without an end', (issuer) => (issuer.answer = (response) => void response.writeHead(200).write('{'))],
    [
      'far too much',
      (issuer) =>
        (issuer.answer = (response) => void response.end(JSON.stringify({ keys: [], x: 'x'.repeat(300_000) }))),
    ],
    [
      'a redirect',
      (issuer) =>
        (issuer.answer = (response) => {
          issuer.answer = null;
          response.writeHead(302, { location: issuer.url }).end();
        }),
    ],
  ])('may come as %s: that says nothing against a token, which is taken later', async (_, spoil) => {
    await using issuer = await Issuer.open();
    const ask = asker([issuer.config()]);
    spoil(issuer);
    const token = await issuer.token('ann');
    expect(await ask(token)).toBe('AUTH_UNAVAILABLE');
    issuer.answer = null;
    expect(await ask(token)).toMatchObject({ id: 'ann' });
  });

  test('are not waited for by everybody while the issuer is slow or down', async () => {
    await using issuer = await Issuer.open();
    issuer.answer = () => {};
    const ask = asker([issuer.config()], { answerMs: 200, coolMs: 60_000 });
    const token = await issuer.token('ann');
    expect(await Promise.all([ask(token), ask(token), ask(token)])).toEqual(Array(3).fill('AUTH_UNAVAILABLE'));
    const start = performance.now();
    expect(await ask(token)).toBe('AUTH_UNAVAILABLE');
    expect(performance.now() - start).toBeLessThan(100);
    expect(issuer.asked).toBe(1);
    // Nothing is told of when the issuer is back: the pause is over when it is.
    const soon = asker([issuer.config()], { answerMs: 200, coolMs: 50 });
    expect(await soon(token)).toBe('AUTH_UNAVAILABLE');
    issuer.answer = null;
    await sleep(60);
    expect(await soon(token)).toMatchObject({ id: 'ann' });
  });

  test('may be two that a token does not choose from', async () => {
    await using issuer = await Issuer.open();
    await using other = await Issuer.open();
    const keys = (
      await Promise.all(
        [other.url, issuer.url].map(async (url) => ((await (await fetch(url)).json()) as { keys: unknown[] }).keys),
      )
    ).flat();
    issuer.answer = (response) => void response.end(JSON.stringify({ keys }));
    const ask = asker([issuer.config()]);
    expect(await ask(await issuer.token('ann', {}, { kid: undefined }))).toMatchObject({ id: 'ann' });
    expect(await ask(await issuer.token('ann', { exp: -5 }, { kid: undefined }))).toBe('UNAUTHENTICATED');
  });
});
