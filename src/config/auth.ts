import { createPublicKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';
import { list, optional, section, secret, truth, whole } from './values.ts';

const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const curves: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const edwards = ['EdDSA', 'Ed25519'];
const shared = ['HS256', 'HS384', 'HS512'];
const anyPublic = [...rsa, ...Object.values(curves), ...edwards];

/** What a key of this kind can have signed. */
function algorithmsOf(key: KeyObject): readonly string[] {
  if (key.asymmetricKeyType === 'rsa') return rsa;
  if (key.asymmetricKeyType === 'ed25519') return edwards;
  const algorithm = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  return algorithm === undefined ? [] : [algorithm];
}

function parsedKey(pem: string): KeyObject | null {
  try {
    // Node makes a public key of a private one, too, which has no place here.
    return pem.includes('PRIVATE') ? null : createPublicKey(pem);
  } catch {
    return null;
  }
}

const publicKey = z
  .string('is not a text: write the key as PEM, between quotes or after |')
  .refine(
    (pem) => parsedKey(pem) !== null,
    'is no public key in PEM: it starts with -----BEGIN PUBLIC KEY----- (a private key has no place here)',
  )
  .refine((pem) => {
    const key = parsedKey(pem);
    return key === null || (algorithmsOf(key).length > 0 && (key.asymmetricKeyDetails?.modulusLength ?? 2048) >= 2048);
  }, 'is of a kind that is not taken: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519');

const jwksUrl = z.string('write a text, such as https://id.example.com/.well-known/jwks.json').refine((text) => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password;
}, 'write a URL that starts with https:// or http://, without user');

const name = (what: string) =>
  z
    .string({ error: ({ input }) => (input == null ? `is missing: write ${what}` : 'is not a text: put it in quotes') })
    .min(1, `is empty: write ${what}`);

const claim = (fallback: string) => optional(name('the name of a claim'), fallback);

export const jwtIssuer = {
  issuer: name('what tokens have in their claim `iss`'),
  audience: z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z
      .array(name('the name'), {
        error: ({ input }) =>
          input == null
            ? 'is missing: write what tokens for this server have in their claim `aud`'
            : 'write a text or a list of texts',
      })
      .min(1, 'is empty: write what tokens for this server have in their claim `aud`'),
  ),
  jwksUrl: optional(jwksUrl.optional()),
  publicKey: optional(publicKey.optional()),
  secret: optional(secret.optional()),
  algorithms: optional(
    z
      .array(z.string('write names of algorithms, such as RS256'), 'write a list: [RS256]')
      .min(1, 'is empty: remove it, or write a list: [RS256]')
      .optional(),
  ),
  clockSkewSeconds: whole(30, 0, 600),
  userClaim: claim('sub'),
  scopesClaim: claim('scope'),
  appsClaim: optional(name('the name of a claim').optional()),
};

/** One kind of key, and the algorithms that fit it: a public key that is taken for a shared secret could be used by anybody. */
const issuer = section(jwtIssuer).transform((value, context) => {
  const { jwksUrl: url, publicKey: pem, secret: text } = value;
  const complain = (path: string[], message: string) => {
    context.issues.push({ code: 'custom', input: undefined, path, message });
    return z.NEVER;
  };
  if ([url, pem, text].filter((one) => one !== undefined).length !== 1)
    return complain([], 'write exactly one of jwksUrl, publicKey and secret');
  const key = pem === undefined ? null : parsedKey(pem);
  const fitting = text === undefined ? (key ? algorithmsOf(key) : anyPublic) : shared;
  const algorithms = value.algorithms ?? fitting;
  if (!algorithms.every((one) => fitting.includes(one)))
    return complain(['algorithms'], `does not fit the key: write some of ${fitting.join(', ')}, or remove it`);
  return { ...value, algorithms };
});

const scopes = ['admin', 'impersonate'] as const;

export const apiKey = {
  name: z
    .string({ error: ({ input }) => (input == null ? 'is missing: write a name' : 'is not a text: put it in quotes') })
    .regex(/^[\w.-]{1,64}$/, 'write up to 64 letters, digits, _, - and .'),
  sha256: z
    .string({
      error: ({ input }) =>
        input == null
          ? 'is missing: write the key’s SHA-256 in hex: printf %s "$KEY" | sha256sum'
          : 'is not a text: put it in quotes',
    })
    .regex(/^[0-9a-f]{64}$/i, 'is no SHA-256 in hex, of 64 digits: printf %s "$KEY" | sha256sum'),
  scopes: optional(list(z.enum(scopes, `write some of ${scopes.join(', ')}`), '[impersonate]'), []),
  apps: optional(list(z.string('write names of apps'), '[support]').optional()),
};

const apiKeys = list(section(apiKey), 'keys, each with `name` and `sha256`').refine(
  (keys) => new Set(keys.map((one) => one.name)).size === keys.length,
  'two keys have the same name: whose runs would be whose?',
);

const header = z
  .string('write the name of a header')
  .regex(/^[\w-]+$/, 'write the name of a header')
  .transform((text) => text.toLowerCase());

export const address = z.string('write an address, such as 10.0.0.5 or 10.0.0.0/8').refine((text) => {
  const [ip = '', bits, ...more] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(ip)] ?? -1;
  return most > 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}, 'write an address, such as 10.0.0.5 or 10.0.0.0/8');

export const proxy = {
  header: optional(header, 'x-user'),
  scopesHeader: optional(header.optional()),
  addresses: z
    .array(address, {
      error: ({ input }) =>
        input == null ? 'is missing: write from where the proxy comes: [10.0.0.5]' : 'write a list: [10.0.0.5]',
    })
    .min(1, 'is empty: write from where the proxy comes: [10.0.0.5]'),
};

export const auth = {
  jwt: optional(list(issuer, 'issuers, each with `issuer`, `audience` and a key'), []),
  apiKeys: optional(apiKeys, []),
  proxy: optional(section(proxy).optional()),
  allowAnonymous: truth(false),
};
