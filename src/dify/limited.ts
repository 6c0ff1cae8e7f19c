import { GatewayError } from '../errors.ts';

export interface Limit {
  /** Aborted when the time is over, with UPSTREAM_TIMEOUT, and with `outer`, by its reason. */
  readonly signal: AbortSignal;
  /** Begins the time anew. */
  restart(): void;
}

/** Runs `work` with a signal that ends it after `ms` or with `outer`. `what` did not happen in time. */
export async function limited<T>(
  ms: number,
  work: (limit: Limit) => Promise<T>,
  outer?: AbortSignal,
  what = 'Dify did not answer',
): Promise<T> {
  outer?.throwIfAborted();
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new GatewayError('UPSTREAM_TIMEOUT', `${what} within ${ms / 1000} s`)),
    ms,
  );
  const onAbort = () => limit.abort(outer?.reason);
  outer?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work({ signal: limit.signal, restart: () => void timer.refresh() });
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', onAbort);
  }
}
