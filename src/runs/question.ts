import { createHash, randomUUID } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { KeptRun } from './run-log.ts';
import type { RunHeader } from './run-state.ts';

/** A question to a conversation that is answering: is refused, waits for its turn, or stops what comes before it. */
export type BusyPolicy = 'REJECT' | 'QUEUE' | 'INTERRUPT';

/** What is asked of an app: all of a run that is not made here. */
export interface Question extends Omit<RunHeader, 'viewer' | 'id' | 'queued' | 'fingerprint' | 'createdAt'> {
  /** What to do when the conversation is answering already: says nothing of what is asked. */
  readonly onBusy: BusyPolicy;
  /** The client's own name for this question; null for a question that is asked once. */
  readonly idempotencyKey: string | null;
}

/** What the run of a question begins as. */
export function newHeader(viewer: string, question: Question): RunHeader {
  const { idempotencyKey, onBusy: _, ...content } = question;
  return {
    ...content,
    viewer,
    queued: false,
    id: idempotencyKey === null ? randomUUID() : runIdOf(viewer, idempotencyKey),
    fingerprint: digest(canonical(content)),
    createdAt: Date.now(),
  };
}

/** The same key of the same viewer always names the same run: to claim the run is to claim the key. */
export function runIdOf(viewer: string, key: string): string {
  const hex = digest(JSON.stringify([viewer, key]));
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** The run that a key has found, if it was asked the same. */
export function sameContent(run: KeptRun, header: RunHeader): KeptRun {
  if (run.state.header.fingerprint === header.fingerprint) return run;
  throw new GatewayError(
    'IDEMPOTENCY_CONFLICT',
    'This idempotency key was used before with other content: use a new key for a new question.',
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON with the keys of all objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
