import type { GraphQLSchema } from 'graphql';
import type { Config } from '../config.ts';
import { ConfigError, problemAt } from '../config/problem.ts';
import { documentGuard, tooLarge } from '../graphql/limits.ts';
import { RunQuota, type RunAllowance } from '../runs/quota.ts';
import type { OpenRate } from '../runs/rates.ts';
import { Admission } from '../server/admission.ts';
import { readPersistedOperations, type PersistedOperations } from '../server/persisted-operations.ts';

/** What the parts of the server hold everybody to. */
export function serverLimits({ limits, auth }: Config, schema: GraphQLSchema, openRate: OpenRate) {
  const { document, introspection, persistedOperations, user, address, socket } = limits;
  const { connections, headersMs, bodyMs, proxies } = limits;
  return {
    documents: {
      maxTokens: document.tokens,
      tooManyTokens: () => tooLarge('The operation has too many words and signs', 'tokens', document.tokens),
      check: documentGuard(schema, document),
      introspection,
      persisted: persistedOperations === undefined ? null : readOperations(persistedOperations),
    },
    admission: new Admission(
      {
        user,
        address,
        proxies: [...proxies, ...(auth.proxy?.addresses ?? [])],
        bodyBytes: limits.bodyMegabytes * 1_048_576,
      },
      openRate,
    ),
    bounds: { connections, headersMs, bodyMs },
    socketLimits: socket,
  };
}

/** What runs are held to. */
export function runLimits({ limits: { user, app } }: Config, openRate: OpenRate): RunAllowance {
  const ofUser = openRate('runs-of-user', user.runsPerMinute, 'runs of one user');
  const ofApp = openRate('runs-of-app', app.runsPerMinute, 'runs of one app');
  return { runsAtOnce: user.runsAtOnce, quota: new RunQuota(ofUser, ofApp) };
}

function readOperations(path: string): PersistedOperations {
  try {
    return readPersistedOperations(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([problemAt('limits.persistedOperations', `cannot be read: ${reason}`)]);
  }
}
