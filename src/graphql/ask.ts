import { GatewayError } from '../errors.ts';

/** What the ways of asking an app have in common: limits of their inputs. */
export const waitMsArgument = {
  defaultValue: 55_000,
  description:
    'How long the mutation may hold the request, in ms, 600,000 at most. 0 returns at once with the run. Ignored by subscriptions.',
};

export function checkedWait(argument: string, waitMs: number | null | undefined, standard: number): number {
  const ms = waitMs ?? standard;
  if (ms >= 0 && ms <= 600_000) return ms;
  throw new GatewayError('BAD_USER_INPUT', `\`${argument}\` must be from 0 to 600,000 ms.`);
}

/** Dify takes an object; the JSON scalar takes anything. */
export function checkedInputs(inputs: unknown): Readonly<Record<string, unknown>> {
  if (inputs === null || inputs === undefined) return {};
  if (typeof inputs === 'object' && !Array.isArray(inputs)) return { ...inputs };
  throw new GatewayError(
    'BAD_USER_INPUT',
    '`input.inputs` must be an object: the values of the app’s form by variable.',
  );
}

export function checkedKey(key: string | null | undefined, required: 'required' | 'optional'): string | null {
  if (key === null || key === undefined) {
    if (required === 'optional') return null;
    throw new GatewayError(
      'IDEMPOTENCY_KEY_REQUIRED',
      'Name this question with a unique `input.idempotencyKey` (a UUID): clients subscribe again after a lost connection, and only the key keeps that from asking again.',
    );
  }
  if (key.length >= 1 && key.length <= 255) return key;
  throw new GatewayError('BAD_USER_INPUT', '`input.idempotencyKey` must have 1 to 255 characters.');
}
