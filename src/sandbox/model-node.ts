import type { Graph } from './graph.ts';
import type { NodeResult } from './node.ts';
import { tokensIn, usageOf, type Usage } from './usage.ts';
import { elapsed } from './clock.ts';
import { piecesOf } from './pieces.ts';

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
export function modelResult(prompts: readonly Prompt[], text: string, usage: Usage, reasoning = ''): NodeResult {
  const shown = prompts.map(({ role, text: said }) => ({ role, text: said, files: [] }));
  return {
    processData: { model_mode: 'chat', prompts: shown, usage, finish_reason: 'stop', ...provider },
    outputs: { text, reasoning_content: reasoning, usage, finish_reason: 'stop' },
    metadata: cost(usage),
    tokens: usage.total_tokens,
  };
}

/** Sends what a model thinks, apart from its answer, where that is known (from 1.15 on), and gives it. */
export async function think(graph: Graph, node: string, thought: string): Promise<string> {
  const { turn } = graph;
  if (!turn.world.features.separatedReasoning) return '';
  const message = turn.message?.id ?? null;
  const chunk = (reasoning: string, is_final: boolean) =>
    turn.emit('reasoning_chunk', { data: { message_id: message, reasoning, node_id: node, is_final } });
  for (const piece of piecesOf(thought)) {
    if (turn.stopped) return '';
    await chunk(piece, false);
    await turn.wait(20);
  }
  await chunk('', true);
  return thought;
}

/** What a node's `execution_metadata` says of its tokens. */
export const cost = (usage: Usage) => ({
  total_tokens: usage.total_tokens,
  total_price: usage.total_price,
  currency: usage.currency,
});
