import { elapsed, seconds } from './clock.ts';
import type { Graph } from './graph.ts';
import { cost } from './model-node.ts';
import type { NodeSpec } from './node.ts';
import { usageOf } from './usage.ts';

/** The container: events name it by its node id, it has no `node_started` of its own. */
export interface IterationSpec {
  readonly id: string;
  readonly title: string;
}

/** What one round made, and the tokens it took. */
export interface Round<T> {
  readonly output: T;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Runs `body` for each item, one after the other. An empty list makes no events at all (§2.5). */
export async function iterate<I, T>(
  graph: Graph,
  { id, title }: IterationSpec,
  items: readonly I[],
  body: (item: I, round: NonNullable<NodeSpec['round']>) => Promise<Round<T>>,
): Promise<T[]> {
  if (items.length === 0) return [];
  const { now } = graph.turn.world;
  const startedAt = now();
  const head = { id, node_id: id, node_type: 'iteration', title };
  const inputs = { inputs: { iterator_selector: items }, inputs_truncated: false };
  graph.run.totalSteps += 1;
  await graph.emit('iteration_started', {
    ...head,
    created_at: seconds(startedAt),
    extras: {},
    metadata: { iteration_length: items.length },
    ...inputs,
  });
  const rounds: Round<T>[] = [];
  const durations: Record<string, number> = {};
  for (const [index, item] of items.entries()) {
    const roundAt = now();
    await graph.emit('iteration_next', { ...head, index, created_at: seconds(roundAt), extras: {} });
    rounds.push(await body(item, { iterationId: id, index }));
    durations[index] = elapsed(roundAt, now());
  }
  const output = rounds.map((round) => round.output);
  const sum = (tokens: (round: Round<T>) => number) => rounds.reduce((total, round) => total + tokens(round), 0);
  const timing = { latency: 0, firstToken: null, generate: null };
  const usage = usageOf(
    sum((round) => round.promptTokens),
    sum((round) => round.completionTokens),
    timing,
  );
  await graph.emit('iteration_completed', {
    ...head,
    outputs: { output },
    outputs_truncated: false,
    created_at: seconds(startedAt),
    extras: {},
    ...inputs,
    status: 'succeeded',
    error: null,
    elapsed_time: elapsed(startedAt, now()),
    total_tokens: usage.total_tokens,
    execution_metadata: { ...cost(usage), iteration_duration_map: durations },
    finished_at: seconds(now()),
    steps: items.length,
  });
  return output;
}
