import { countTokens } from '../dify/coerce.ts';
import type { WireUsage } from '../dify/wire-event.ts';
import type { Usage, UsageSource } from './run-event.ts';

/** The figures that Dify gives for a whole answer. */
export function usageOf(wire: WireUsage, source: UsageSource = 'FINAL_EVENT'): Usage {
  const { promptTokens, completionTokens, totalTokens, totalPrice, currency, latency } = wire;
  return { promptTokens, completionTokens, totalTokens, totalPrice, currency, latencySeconds: latency, source };
}

/** The few figures that a node or a workflow run is given. */
export function tokensOnly(
  totalTokens: number,
  { totalPrice = null, currency = null, latencySeconds = null, source = 'FINAL_EVENT' }: Partial<Usage> = {},
): Usage {
  return { promptTokens: null, completionTokens: null, totalTokens, totalPrice, currency, latencySeconds, source };
}

/** What the nodes say together; null if they say nothing. */
export function sumOf(usages: readonly Usage[]): Usage | null {
  const totalTokens = countTokens(usages.reduce((sum, usage) => sum + usage.totalTokens, 0));
  if (totalTokens === 0) return null;
  const prices = usages.flatMap(({ totalPrice }) => (totalPrice === null ? [] : [totalPrice]));
  const totalPrice = prices.length > 0 ? prices.reduce(addDecimals) : null;
  const currency = usages.find((usage) => usage.currency !== null)?.currency ?? null;
  return tokensOnly(totalTokens, { totalPrice, currency, source: 'NODE_SUM' });
}

/** Exact: money never passes through a float. */
function addDecimals(a: string, b: string): string {
  const places = Math.max(placesOf(a), placesOf(b));
  const sum = scaled(a, places) + scaled(b, places);
  const digits = (sum < 0n ? -sum : sum).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  return `${sum < 0n ? '-' : ''}${whole}${places > 0 ? `.${digits.slice(-places)}` : ''}`;
}

function placesOf(decimal: string): number {
  return decimal.split('.')[1]?.length ?? 0;
}

function scaled(decimal: string, places: number): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(places, '0'));
}
