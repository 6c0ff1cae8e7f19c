import type { Logger } from 'pino';
import type { AuthConfig } from '../../config/auth-config.ts';
import { GatewayError } from '../../errors.ts';
import { RunTokens } from '../../runs/run-tokens.ts';
import { believeUser, tokenOf, userNamed, type Credentials, type Identify, type Identity } from '../viewer.ts';
import { ApiKeys } from './api-keys.ts';
import { Issuers, type JwksPatience } from './issuers.ts';
import { refused, userOf } from './names.ts';
import { behindProxy } from './proxy.ts';

export interface AuthParts {
  readonly auth: AuthConfig;
  /** Of a server without any of it. */
  readonly admins: readonly string[];
  readonly runTokens: RunTokens;
  readonly logger: Logger;
  readonly patience?: JwksPatience;
}

/** Whether users have to prove who they are. */
export function provesUsers({ jwt, apiKeys, proxy }: AuthConfig): boolean {
  return jwt.length > 0 || apiKeys.length > 0 || proxy !== undefined;
}

/**
 * Who a request is from, by what was set up: tokens, keys, a proxy that says so; without any of it, whoever it says. Where tokens
 * or keys are taken, one that is sent must be good, whatever else would do.
 */
export function identifyBy({ auth, admins, runTokens, logger, patience }: AuthParts): Identify {
  const issuers = new Issuers(auth.jwt, logger, patience);
  const keys = new ApiKeys(auth.apiKeys);
  const believe = provesUsers(auth) ? null : believeUser(admins);
  const takesTokens = auth.jwt.length > 0 || auth.apiKeys.length > 0;
  const proxied = auth.proxy ? behindProxy(auth.proxy) : () => null;
  return async (credentials) => {
    const token = tokenOf(credentials);
    if (token !== null && RunTokens.isOne(token)) return shown(runTokens, token);
    // In an address, where others are kept in logs and histories.
    if (credentials.token != null) throw refused('`?token=` takes run tokens only.');
    if (believe) return believe(credentials);
    if (token !== null && takesTokens) return acting(keys.find(token) ?? (await issuers.verify(token)), credentials);
    const identity = proxied(credentials);
    if (identity) return identity;
    throw refused('Say who you are: send `authorization: Bearer …`.');
  };
}

function shown(runTokens: RunTokens, token: string): Identity {
  const { viewer, runId, until } = runTokens.read(token) ?? {};
  if (viewer === undefined || runId === undefined || until === undefined)
    throw refused('The run token is not valid here, or has expired.');
  return { id: viewer, scopes: [], onlyRun: runId, until };
}

/** As themselves, or as the user whom they name and may act for. */
function acting(identity: Identity, credentials: Credentials): Identity {
  const user = userNamed(credentials);
  if (user === null || user === identity.id) return identity;
  if (!identity.scopes.includes('impersonate'))
    throw new GatewayError('FORBIDDEN', 'To act for another user (`x-user`) needs the scope `impersonate`.');
  return { ...identity, id: userOf(user) };
}
