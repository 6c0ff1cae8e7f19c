import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';

const pausesMs = [100, 400];
const passingStatuses: ReadonlySet<number | undefined> = new Set([429, 502, 503, 504]);

/** Up to three tries of a read, while what fails is the way to Dify. Only for reads: nothing that generates may come twice. */
export async function retried<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(error)) throw error;
      const jitter = 0.75 + Math.random() / 2;
      await sleep(pauseMs * jitter, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
  return attempt();
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  return error.code === 'UPSTREAM_UNREACHABLE' || passingStatuses.has(error.difyStatus);
}
