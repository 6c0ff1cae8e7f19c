import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { GatewayError } from '../../errors.ts';

/** How long things take around the keys of an issuer, in ms. */
export interface JwksPatience {
  /** For the issuer to answer, whole. Default 5,000. */
  readonly answerMs?: number;
  /** Before it is asked again, because of a key that is not among those it told, or because it failed. Default 10,000. */
  readonly coolMs?: number;
  /** Before it is asked again because time has passed: keys may have been withdrawn. Default 600,000. */
  readonly freshMs?: number;
}

/** More than this an issuer does not say, in bytes. */
const MOST_BYTES = 262_144;

/**
 * The keys that an issuer tells at an address. They are kept while it is away: only a key that is not among them needs it. Redirects
 * are not followed.
 */
export function jwksOf(url: string, logger: Logger, patience: JwksPatience = {}): JWTVerifyGetKey {
  const { answerMs = 5_000, coolMs = 10_000, freshMs = 600_000 } = patience;
  let askedAt = -Infinity;
  let failedAt = -Infinity;
  const ask: FetchImplementation = async (address, options) => {
    if (performance.now() - failedAt < coolMs) throw new Error('The issuer has just failed');
    askedAt = performance.now();
    return bounded(await fetch(address, options));
  };
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: answerMs,
    cooldownDuration: coolMs,
    cacheMaxAge: Infinity,
    [customFetch]: ask,
  });
  const failed = (error: unknown) => {
    if (performance.now() - failedAt < coolMs) return;
    failedAt = performance.now();
    logger.warn({ err: error, url }, 'the keys of an issuer could not be fetched');
  };
  return async (header, token) => {
    if (keys.jwks() !== undefined && performance.now() - askedAt > freshMs && !keys.reloading)
      keys.reload().catch(failed);
    try {
      return await keys(header, token);
    } catch (error) {
      if (isAboutTheToken(error)) throw error;
      failed(error);
      throw new GatewayError('AUTH_UNAVAILABLE', 'The issuer of the token cannot be asked for its keys now.', {
        cause: error,
        retryAfterMs: coolMs,
      });
    }
  };
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

async function bounded(response: Response): Promise<Response> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.byteLength;
    if (size > MOST_BYTES) throw new Error(`An issuer says more than ${MOST_BYTES} bytes`);
    pieces.push(piece);
  }
  const { status, headers } = response;
  return new Response(status === 200 ? Buffer.concat(pieces) : null, { status: status === 200 ? 200 : 502, headers });
}
