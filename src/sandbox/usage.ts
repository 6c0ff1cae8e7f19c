/** Token counts and prices as Dify reports them: prices are decimal strings. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly prompt_unit_price: string;
  readonly prompt_price_unit: string;
  readonly prompt_price: string;
  readonly completion_tokens: number;
  readonly completion_unit_price: string;
  readonly completion_price_unit: string;
  readonly completion_price: string;
  readonly total_tokens: number;
  readonly total_price: string;
  readonly currency: string;
  readonly latency: number;
  readonly time_to_first_token: number | null;
  readonly time_to_generate: number | null;
}

/** Times in seconds. */
export interface Timing {
  readonly latency: number;
  readonly firstToken: number | null;
  readonly generate: number | null;
}

/** What a call of the pretended model cost, at 0.15 and 0.60 USD per million tokens. */
export function usageOf(promptTokens: number, completionTokens: number, timing: Timing): Usage {
  // Python rounds half to even; in units of 1E-7 USD a prompt token costs 1.5 and a completion token 6.
  const promptPrice = halfEven(promptTokens * 1.5);
  const completionPrice = completionTokens * 6;
  return {
    prompt_tokens: promptTokens,
    prompt_unit_price: '0.15',
    prompt_price_unit: '0.000001',
    prompt_price: price(promptPrice),
    completion_tokens: completionTokens,
    completion_unit_price: '0.60',
    completion_price_unit: '0.000001',
    completion_price: price(completionPrice),
    total_tokens: promptTokens + completionTokens,
    total_price: price(promptPrice + completionPrice),
    currency: 'USD',
    latency: timing.latency,
    time_to_first_token: timing.firstToken,
    time_to_generate: timing.generate,
  };
}

/** The usage of a run without a model: prices `"0.0"`. */
export function noUsage(timing: Timing): Usage {
  return {
    prompt_tokens: 0,
    prompt_unit_price: '0.0',
    prompt_price_unit: '0.0',
    prompt_price: '0.0',
    completion_tokens: 0,
    completion_unit_price: '0.0',
    completion_price_unit: '0.0',
    completion_price: '0.0',
    total_tokens: 0,
    total_price: '0.0',
    currency: 'USD',
    latency: timing.latency,
    time_to_first_token: timing.firstToken,
    time_to_generate: timing.generate,
  };
}

/** Blocking replies write prices without an exponent: `"0.0000002"`, where streams say `"2E-7"`. */
export function plainPrices(usage: Usage): Usage {
  const plain = (text: string) => text.replace(/^(\d)E-7$/, '0.000000$1');
  return {
    ...usage,
    prompt_price: plain(usage.prompt_price),
    completion_price: plain(usage.completion_price),
    total_price: plain(usage.total_price),
  };
}

/** From 1.16 on easy-UI apps do not tell when the first token came. */
export function withoutTimes(usage: Usage): object {
  return { ...usage, time_to_first_token: undefined, time_to_generate: undefined };
}

/** About as many tokens as a model would count: one for four letters, one for each CJK character. */
export function tokensIn(text: string): number {
  const wide = text.match(/[\u3040-\u9fff\uac00-\ud7af]/g)?.length ?? 0;
  return wide + Math.ceil((text.length - wide) / 4);
}

/** Python prints a decimal below 1E-6 with an exponent (`2E-7`, `0E-7`), others plainly with seven places. */
function price(tenMillionths: number): string {
  return tenMillionths < 10 ? `${tenMillionths}E-7` : (tenMillionths / 1e7).toFixed(7);
}

function halfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
