import type { Graph } from './graph.ts';
import type { NodeResult } from './node.ts';
import { tokensIn, usageOf, type Usage } from './usage.ts';
import { elapsed } from './clock.ts';

const provider = { model_provider: 'langgenius/sandbox/sandbox', model_name: 'sandbox-chat' };

/** A prompt of a model call, as nodes show it to API callers. */
export interface Prompt {
  readonly role: 'system' | 'user' | 'assistant';
  readonly text: string;
}

/** The usage of one model call inside a graph. */
export function callUsage(graph: Graph, prompts: readonly Prompt[], text: string, startedAt: number): Usage {
  const now = graph.turn.world.now();
  const asked = prompts.reduce((sum, prompt) => sum + tokensIn(prompt.text), 0);
  const took = elapsed(startedAt, now);
  return usageOf(asked, tokensIn(text), { latency: took, firstToken: 0, generate: took });
}

/** What an LLM node leaves behind. */
export function modelResult(prompts: readonly Prompt[], text: string, usage: Usage): NodeResult {
  const shown = prompts.map(({ role, text: said }) => ({ role, text: said, files: [] }));
  return {
    processData: { model_mode: 'chat', prompts: shown, usage, finish_reason: 'stop', ...provider },
    outputs: { text, reasoning_content: '', usage, finish_reason: 'stop' },
    metadata: cost(usage),
    tokens: usage.total_tokens,
  };
}

/** What a node's `execution_metadata` says of its tokens. */
export const cost = (usage: Usage) => ({
  total_tokens: usage.total_tokens,
  total_price: usage.total_price,
  currency: usage.currency,
});
