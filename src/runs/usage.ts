import type { WireUsage } from '../dify/wire-event.ts';
import type { Usage } from './run-event.ts';

/** The figures that Dify gives for a whole answer. */
export function usageOf({
  promptTokens,
  completionTokens,
  totalTokens,
  totalPrice,
  currency,
  latency,
}: WireUsage): Usage {
  return { promptTokens, completionTokens, totalTokens, totalPrice, currency, latencySeconds: latency };
}

/** The few figures that a node or a workflow run is given. */
export function tokensOnly(
  totalTokens: number,
  { totalPrice = null, currency = null, latencySeconds = null }: Partial<Usage> = {},
): Usage {
  return { promptTokens: null, completionTokens: null, totalTokens, totalPrice, currency, latencySeconds };
}
