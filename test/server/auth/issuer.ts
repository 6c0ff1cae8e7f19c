import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import type { JwtConfig } from '../../../src/config/auth-config.ts';

export const ISSUER = 'https://id.example.com';
export const AUDIENCE = 'dify-graphql';

interface Signing {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly pem: string;
}

async function newKey(kid: string, alg: string): Promise<Signing> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg }, pem: await exportSPKI(publicKey) };
}

/** Issues tokens, and tells its keys over HTTP: as they are, slowly, as rubbish, or not at all. */
export class Issuer implements AsyncDisposable {
  readonly #alg: string;
  #key: Signing;
  #server: Server | undefined;
  /** How the next requests are answered, instead of with the keys. */
  answer: ((response: ServerResponse) => void) | null = null;
  /** How often the keys were asked for. */
  asked = 0;
  port = 0;

  static async open(alg = 'ES256'): Promise<Issuer> {
    const issuer = new Issuer(alg, await newKey('key-1', alg));
    await issuer.listen();
    return issuer;
  }

  constructor(alg: string, key: Signing) {
    this.#alg = alg;
    this.#key = key;
  }

  /** As a configuration names it, with all else as by default. */
  config(more: Partial<JwtConfig> = {}): JwtConfig {
    return {
      issuer: ISSUER,
      audience: [AUDIENCE],
      jwksUrl: more.publicKey === undefined && more.secret === undefined ? this.url : undefined,
      publicKey: undefined,
      secret: undefined,
      algorithms: ['RS256', 'ES256'],
      clockSkewSeconds: 0,
      userClaim: 'sub',
      scopesClaim: 'scope',
      appsClaim: undefined,
      ...more,
    };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/jwks.json`;
  }

  get pem(): string {
    return this.#key.pem;
  }

  async listen(): Promise<void> {
    this.#server = createServer((_, response) => {
      this.asked += 1;
      if (this.answer) return this.answer(response);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: [this.#key.jwk] }));
    }).listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async goAway(): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
    await once(this.#server!, 'close');
  }

  /** From now on it signs with another key, and tells that one only. */
  async rotate(kid: string): Promise<void> {
    this.#key = await newKey(kid, this.#alg);
  }

  /** A token for a user. `exp` is in seconds from now. */
  async token(sub: string, claims: Readonly<Record<string, unknown>> = {}, header: object = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const { exp = 300, ...more } = claims as { exp?: number };
    const payload = { iss: ISSUER, aud: AUDIENCE, sub, iat: now, exp: now + exp, ...more };
    return new SignJWT(payload)
      .setProtectedHeader({ alg: this.#alg, kid: this.#key.kid, ...header })
      .sign(this.#key.privateKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server?.listening) await this.goAway();
  }
}

/** A token that says that nobody has signed it. */
export function unsigned(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ iss: ISSUER, aud: AUDIENCE, exp: now + 300, ...claims })}.`;
}
