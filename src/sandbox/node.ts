import { randomUUID } from 'node:crypto';
import { elapsed, seconds } from './clock.ts';
import { ModelFault, NodeFailure, Stopped } from './faults.ts';
import type { Graph } from './graph.ts';
import type { NodeRow } from './runs.ts';

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
  readonly files?: readonly object[];
}

/** Reports that an attempt failed and that the node tries again. */
export type Retry = (error: string, processData: Readonly<Record<string, unknown>>) => Promise<void>;

/** One execution of a node, which may begin twice: before a pause and after it, under the same id. */
export class NodeExecution {
  readonly row: NodeRow;
  readonly #graph: Graph;
  readonly #spec: NodeSpec;
  #startedAt: number;
  #retries = 0;

  constructor(graph: Graph, spec: NodeSpec) {
    this.#graph = graph;
    this.#spec = spec;
    this.#startedAt = graph.turn.world.now();
    this.row = {
      id: randomUUID(),
      nodeId: spec.id,
      type: spec.type,
      title: spec.title,
      iterationId: spec.round?.iterationId ?? null,
      createdAt: this.#startedAt,
      status: 'running',
      error: null,
      finishedAt: null,
    };
    graph.run.live?.nodes.push(this.row);
  }

  async start(): Promise<void> {
    this.#startedAt = this.#graph.turn.world.now();
    this.row.status = 'running';
    await this.#graph.emit('node_started', {
      ...this.#head(),
      inputs: null,
      inputs_truncated: false,
      created_at: seconds(this.#startedAt),
      extras: {},
      ...this.#container(),
      agent_strategy: null,
    });
  }

  async retry(error: string, processData: Readonly<Record<string, unknown>>): Promise<void> {
    this.#retries += 1;
    this.#graph.run.totalSteps += 1;
    await this.#graph.emit('node_retry', {
      ...this.#report('retry', error, { processData }),
      retry_index: this.#retries,
    });
  }

  async finish(status: 'succeeded' | 'failed', error: string | null, result: NodeResult): Promise<void> {
    this.row.status = status;
    this.row.error = error;
    this.row.finishedAt = this.#graph.turn.world.now();
    this.#graph.run.totalTokens += result.tokens ?? 0;
    await this.#graph.emit('node_finished', this.#report(status, error, result));
  }

  #head(): object {
    const { id, nodeId, type, title } = this.row;
    return { id, node_id: nodeId, node_type: type, title, index: 1, predecessor_node_id: null };
  }

  #container(): object {
    return { iteration_id: this.row.iterationId, loop_id: null };
  }

  #report(status: string, error: string | null, result: NodeResult): object {
    const now = this.#graph.turn.world.now();
    return {
      ...this.#head(),
      inputs: result.inputs ?? {},
      inputs_truncated: false,
      process_data: result.processData ?? {},
      process_data_truncated: false,
      outputs: result.outputs ?? {},
      outputs_truncated: false,
      status,
      error,
      elapsed_time: elapsed(this.#startedAt, now),
      execution_metadata: metadataOf(this.#spec, result),
      created_at: seconds(this.#startedAt),
      finished_at: seconds(now),
      files: result.files ?? [],
      ...this.#container(),
    };
  }
}

/** Runs one node: `node_started`, the work, `node_finished`. A stop leaves it unfinished, as in Dify. */
export async function runNode(
  graph: Graph,
  spec: NodeSpec,
  work: (retry: Retry) => NodeResult | Promise<NodeResult>,
): Promise<NodeResult> {
  const { turn, run } = graph;
  const execution = new NodeExecution(graph, spec);
  if (spec.round === undefined) run.totalSteps += 1;
  await execution.start();
  try {
    const result = await work((error, processData) => execution.retry(error, processData));
    if (turn.stopped) throw new Stopped();
    await execution.finish('succeeded', null, result);
    return result;
  } catch (fault) {
    // Without a stream there is no `error` event: the node takes the blame.
    const failure = fault instanceof ModelFault && !turn.writer.streaming ? new NodeFailure(fault.message) : fault;
    if (failure instanceof NodeFailure) await execution.finish('failed', failure.message, {});
    throw failure;
  }
}

function metadataOf({ round }: NodeSpec, { metadata }: NodeResult): object | null {
  const place = round === undefined ? undefined : { iteration_id: round.iterationId, iteration_index: round.index };
  return metadata === undefined && place === undefined ? null : { ...metadata, ...place };
}
