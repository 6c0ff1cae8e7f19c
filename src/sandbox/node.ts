import { randomUUID } from 'node:crypto';
import { elapsed, seconds } from './clock.ts';
import { ModelFault, NodeFailure, Stopped } from './faults.ts';
import type { Graph } from './graph.ts';

/** A node of the graph, and the round of an iteration it runs in. */
export interface NodeSpec {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly round?: { readonly iterationId: string; readonly index: number };
}

/** What a node did. Everything is sent to API callers, prompts included (§9, Q44). */
export interface NodeResult {
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly processData?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly tokens?: number;
}

/** Reports that an attempt failed and that the node tries again. */
export type Retry = (error: string, processData: Readonly<Record<string, unknown>>) => Promise<void>;

/** Runs one node: `node_started`, the work, `node_finished`. A stop leaves it unfinished, as in Dify. */
export async function runNode(
  graph: Graph,
  spec: NodeSpec,
  work: (retry: Retry) => NodeResult | Promise<NodeResult>,
): Promise<NodeResult> {
  const { turn, run } = graph;
  const { now } = turn.world;
  const id = randomUUID();
  const startedAt = now();
  const head = { id, node_id: spec.id, node_type: spec.type, title: spec.title, index: 1, predecessor_node_id: null };
  const container = { iteration_id: spec.round?.iterationId ?? null, loop_id: null };
  if (spec.round === undefined) run.totalSteps += 1;
  await graph.emit('node_started', {
    ...head,
    inputs: null,
    inputs_truncated: false,
    created_at: seconds(startedAt),
    extras: {},
    ...container,
    agent_strategy: null,
  });
  const report = (status: string, error: string | null, result: NodeResult) => ({
    ...head,
    inputs: result.inputs ?? {},
    inputs_truncated: false,
    process_data: result.processData ?? {},
    process_data_truncated: false,
    outputs: result.outputs ?? {},
    outputs_truncated: false,
    status,
    error,
    elapsed_time: elapsed(startedAt, now()),
    execution_metadata: metadataOf(spec, result),
    created_at: seconds(startedAt),
    finished_at: seconds(now()),
    files: [],
    ...container,
  });
  let retries = 0;
  const retry: Retry = async (error, processData) => {
    retries += 1;
    run.totalSteps += 1;
    await graph.emit('node_retry', { ...report('retry', error, { processData }), retry_index: retries });
  };
  try {
    const result = await work(retry);
    if (turn.stopped) throw new Stopped();
    run.totalTokens += result.tokens ?? 0;
    await graph.emit('node_finished', report('succeeded', null, result));
    return result;
  } catch (fault) {
    // Without a stream there is no `error` event: the node takes the blame.
    const failure = fault instanceof ModelFault && !turn.writer.streaming ? new NodeFailure(fault.message) : fault;
    if (failure instanceof NodeFailure) await graph.emit('node_finished', report('failed', failure.message, {}));
    throw failure;
  }
}

function metadataOf({ round }: NodeSpec, { metadata }: NodeResult): object | null {
  const place = round === undefined ? undefined : { iteration_id: round.iterationId, iteration_index: round.index };
  return metadata === undefined && place === undefined ? null : { ...metadata, ...place };
}
