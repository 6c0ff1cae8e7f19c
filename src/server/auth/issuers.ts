import { createPublicKey } from 'node:crypto';
import { decodeJwt, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import type { Logger } from 'pino';
import type { JwtConfig } from '../../config/auth-config.ts';
import { GatewayError } from '../../errors.ts';
import type { Identity } from '../viewer.ts';
import { jwksOf, type JwksPatience } from './jwks.ts';
import { refused, scopesOf, userOf, wordsOf } from './names.ts';

export type { JwksPatience } from './jwks.ts';

/** Longer ones are not looked at. */
const MOST_CHARACTERS = 16_384;

interface Issuer extends JwtConfig {
  readonly key: JWTVerifyGetKey;
}

/** Those whose tokens are taken. */
export class Issuers {
  readonly #issuers: readonly Issuer[];

  constructor(issuers: readonly JwtConfig[], logger: Logger, patience?: JwksPatience) {
    this.#issuers = issuers.map((one) => ({ ...one, key: keyOf(one, logger, patience) }));
  }

  /** Whose token it is. Throws UNAUTHENTICATED, or AUTH_UNAVAILABLE while that cannot be told. */
  async verify(token: string): Promise<Identity> {
    let failure: unknown = refused('The token, or key, is not known here.');
    for (const issuer of this.#issuersOf(token)) {
      try {
        return identityOf(await verified(token, issuer), issuer);
      } catch (error) {
        failure = error;
      }
    }
    throw failure instanceof GatewayError ? failure : refused(reasonOf(failure), failure);
  }

  /** By what it says itself, of which nothing is believed yet. */
  #issuersOf(token: string): readonly Issuer[] {
    if (this.#issuers.length === 0 || token.length > MOST_CHARACTERS) return [];
    try {
      const { iss } = decodeJwt(token);
      return this.#issuers.filter(({ issuer }) => issuer === iss);
    } catch {
      return [];
    }
  }
}

function keyOf({ jwksUrl, publicKey, secret }: JwtConfig, logger: Logger, patience?: JwksPatience): JWTVerifyGetKey {
  if (jwksUrl !== undefined) return jwksOf(jwksUrl, logger, patience);
  const key = publicKey === undefined ? new TextEncoder().encode(secret) : createPublicKey(publicKey);
  return async () => key;
}

async function verified(token: string, { key, ...issuer }: Issuer): Promise<JWTPayload> {
  const options: JWTVerifyOptions = {
    issuer: issuer.issuer,
    audience: [...issuer.audience],
    algorithms: [...issuer.algorithms],
    clockTolerance: issuer.clockSkewSeconds,
    requiredClaims: ['exp'],
  };
  try {
    return (await jwtVerify(token, key, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // A token that does not say by which key it is signed.
    for await (const one of error) {
      const payload = await jwtVerify(token, one, options).then(
        (result) => result.payload,
        (reason: unknown) => {
          if (reason instanceof errors.JWSSignatureVerificationFailed) return null;
          throw reason;
        },
      );
      if (payload) return payload;
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function identityOf(payload: JWTPayload, { userClaim, scopesClaim, appsClaim, clockSkewSeconds }: Issuer): Identity {
  return {
    id: userOf(claim(payload, userClaim)),
    scopes: scopesOf(claim(payload, scopesClaim)),
    apps: appsClaim === undefined ? null : wordsOf(claim(payload, appsClaim)),
    until: ((payload.exp ?? 0) + clockSkewSeconds) * 1_000,
  };
}

/** By its name, or by a path with dots: `realm_access.roles`. */
function claim(payload: unknown, name: string): unknown {
  if (typeof payload !== 'object' || payload === null) return undefined;
  if (Object.hasOwn(payload, name)) return (payload as Record<string, unknown>)[name];
  const dot = name.indexOf('.');
  return dot === -1 ? undefined : claim(claim(payload, name.slice(0, dot)), name.slice(dot + 1));
}

/** What a client may know: that it has expired, or which claim does not fit. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.';
  if (error instanceof errors.JWTClaimValidationFailed) return `The token’s claim \`${error.claim}\` does not fit.`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The token’s algorithm is not taken here.';
  return 'The token is not valid here.';
}
