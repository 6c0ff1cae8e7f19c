import type { Logger } from 'pino';
import type { StreamEnd } from '../dify/stream.ts';
import { GatewayError } from '../errors.ts';
import { failed, type Outcome } from './ending.ts';

/** The first of the ends that are not Dify's own, but come from limits of this server, or its end. */
export const stoppedUnheard: Outcome = { status: 'STOPPED', error: null, by: 'WATCHDOG' };

export function timedOut(): Outcome {
  return byLimit('UPSTREAM_TIMEOUT', 'The run took longer than it may.');
}

/** Whether it goes on, succeeds or fails there, nobody will know. */
export function outOfSight(): Outcome {
  const why = 'The stream from Dify broke off, and by Dify’s records the run has neither gone on nor ended.';
  return { ...byLimit('STREAM_INTERRUPTED', why), status: 'UNKNOWN' };
}

export function shutDown(wasPaused: boolean): Outcome {
  const why = wasPaused
    ? 'The server was shut down while the run waited for a person; it is lost here, though Dify may still take the answer.'
    : 'The server was shut down before the answer was complete.';
  return byLimit('DRAINING', why);
}

/** How the stream ended for a process that took the run over: the connection was another one's. */
export function leftBehind(): StreamEnd {
  const why = 'The server that asked has ended before Dify answered.';
  return { by: 'failed', error: new GatewayError('STREAM_INTERRUPTED', why) };
}

function byLimit(code: 'UPSTREAM_TIMEOUT' | 'STREAM_INTERRUPTED' | 'DRAINING', why: string): Outcome {
  return { ...failed(new GatewayError(code, why)), by: 'WATCHDOG' };
}

export function failedBy(error: unknown, logger: Logger): Outcome {
  if (error instanceof GatewayError) return failed(error);
  logger.error({ err: error }, 'the run’s writer failed');
  return failed(new GatewayError('INTERNAL', 'Something went wrong here, not in Dify.'));
}
