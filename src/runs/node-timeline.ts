import type { ContainerEvent, NodeEvent, RoundEvent } from '../dify/wire-event.ts';
import type { NodeChanged, NodeRun, NodeStatus, Progress, RoundStarted, Usage } from './run-event.ts';
import { tokensOnly } from './usage.ts';

type Change = Omit<NodeChanged, 'seq' | 'at'> | Omit<RoundStarted, 'seq' | 'at'>;

/** The round of a container that its next node belongs to; null where that cannot be told. */
interface Round {
  readonly round: number | null;
  announced: boolean;
  /** A node of it has been seen. */
  entered: boolean;
}

/** Dify itself ends a run after 500 steps, each of which may be a loop: what says more is no Dify. */
const MOST_NODES = 10_000;

/** As many as anybody shows: each event of a node tells them. */
const MOST_CURRENT = 100;

/**
 * What the nodes of a graph did (§2.4, §2.5): by execution, since a node in a loop runs many times; arrival order means nothing.
 * Iterations and loops get no node events from Dify and are kept here under their node id.
 */
export class NodeTimeline {
  readonly #nodes = new Map<string, NodeRun>();
  readonly #open = new Map<string, NodeRun>();
  /** By container. */
  readonly #rounds = new Map<string, Round>();
  #finished = 0;
  #failed = 0;
  #lastFailed: string | null = null;

  readonly #nodeData: boolean;

  constructor(nodeData = false) {
    this.#nodeData = nodeData;
  }

  /** As a run that another process has written so far has them. */
  resume(nodes: ReadonlyMap<string, NodeRun>): void {
    for (const node of nodes.values()) this.#keep(node);
  }

  /** Graph id of the node that failed last, unhandled. */
  get lastFailed(): string | null {
    return this.#lastFailed;
  }

  see(wire: NodeEvent | ContainerEvent | RoundEvent): Change[] {
    const id = 'id' in wire ? wire.id : wire.nodeId;
    if (this.#nodes.size >= MOST_NODES && !this.#nodes.has(id)) return [];
    switch (wire.event) {
      case 'iteration_next':
        this.#rounds.set(wire.nodeId, { round: this.#nextRound(wire), announced: true, entered: false });
        return [{ type: 'RoundStarted', nodeId: wire.nodeId, title: wire.title, round: wire.index }];
      case 'loop_next':
        // Dify sends it after a round, also after the last: whether another begins is known when a node of it starts.
        this.#rounds.set(wire.nodeId, { round: wire.index, announced: false, entered: false });
        return [];
      case 'loop_started':
        this.#rounds.set(wire.nodeId, { round: 0, announced: false, entered: false });
        return [this.#container(wire)];
      case 'iteration_started':
        this.#rounds.delete(wire.nodeId);
        return [this.#container(wire)];
      case 'iteration_completed':
      case 'loop_completed':
        return [this.#container(wire)];
      case 'node_started':
      case 'node_finished':
      case 'node_retry':
        return this.#node(wire);
    }
  }

  /** Nodes that a stop, a failure elsewhere or a cut left open (Q25), now stopped. */
  closeOpen(): NodeRun[] {
    return [...this.#open.values()].map((node) => this.#keep({ ...node, status: 'STOPPED' }));
  }

  /** Of the nodes that Dify gave figures for; containers repeat what is inside them. */
  usages(): Usage[] {
    return [...this.#nodes.values()].flatMap(({ id, nodeId, usage }) => (usage && id !== nodeId ? [usage] : []));
  }

  progress(): Progress {
    const current = Array.from(this.#open.values().take(MOST_CURRENT), (node) => node.title);
    return { started: this.#nodes.size, finished: this.#finished, failed: this.#failed, current };
  }

  #node(wire: NodeEvent): Change[] {
    const before = this.#nodes.get(wire.id);
    // A snapshot tells again, and without details, what has ended (§8.2).
    if (before && !isOpen(before) && (wire.event === 'node_started' || nodeStatus(wire.status) === before.status))
      return [];
    const parent = wire.iterationId ?? wire.loopId;
    const round =
      wire.iterationIndex ??
      wire.loopIndex ??
      before?.round ??
      (parent === null ? null : (this.#rounds.get(parent)?.round ?? null));
    const changes: Change[] = parent === null ? [] : this.#announce(parent);
    const node = this.#keep({
      id: wire.id,
      nodeId: wire.nodeId,
      type: wire.nodeType,
      title: wire.title,
      index: wire.index,
      status: wire.event === 'node_started' ? 'RUNNING' : nodeStatus(wire.status),
      startedAt: before?.startedAt ?? wire.createdAt,
      finishedAt: wire.event === 'node_finished' ? wire.finishedAt : null,
      elapsedSeconds: wire.elapsedTime,
      error: wire.error,
      usage: wire.totalTokens
        ? tokensOnly(wire.totalTokens, { totalPrice: wire.totalPrice, currency: wire.currency })
        : null,
      parentNodeId: parent,
      round,
      retries: Math.max(before?.retries ?? 0, wire.retryIndex ?? 0),
      inputs: this.#nodeData ? (wire.inputs ?? before?.inputs ?? null) : null,
      outputs: this.#nodeData ? wire.outputs : null,
    });
    changes.push({ type: 'NodeChanged', node, progress: this.progress() });
    return changes;
  }

  /** Rounds that run side by side are all announced first (§2.5): then only the end of a node says which was its own. */
  #nextRound({ nodeId, index }: RoundEvent): number | null {
    const last = this.#rounds.get(nodeId);
    return last && (last.round === null || !last.entered) ? null : index;
  }

  #announce(parent: string): Change[] {
    const round = this.#rounds.get(parent);
    if (round) round.entered = true;
    if (!round || round.round === null || round.announced) return [];
    round.announced = true;
    return [
      { type: 'RoundStarted', nodeId: parent, title: this.#nodes.get(parent)?.title ?? parent, round: round.round },
    ];
  }

  #container(wire: ContainerEvent): Change {
    const started = wire.event === 'iteration_started' || wire.event === 'loop_started';
    const before = started ? undefined : this.#nodes.get(wire.nodeId);
    const node = this.#keep({
      id: wire.nodeId,
      nodeId: wire.nodeId,
      type: wire.nodeType,
      title: wire.title,
      index: 1,
      status: started ? 'RUNNING' : nodeStatus(wire.status),
      startedAt: before?.startedAt ?? wire.createdAt,
      finishedAt: started ? null : wire.finishedAt,
      elapsedSeconds: started ? null : wire.elapsedTime,
      // Dify leaves it null even for a failed one (Q24): the node inside knows why.
      error: wire.error ?? (wire.status === 'failed' ? this.#errorInside(wire.nodeId) : null),
      usage: wire.totalTokens ? tokensOnly(wire.totalTokens) : null,
      parentNodeId: null,
      round: null,
      retries: 0,
      inputs: this.#nodeData ? wire.inputs : null,
      outputs: this.#nodeData ? wire.outputs : null,
    });
    return { type: 'NodeChanged', node, progress: this.progress() };
  }

  #errorInside(container: string): string | null {
    const inside = [...this.#nodes.values()].filter((node) => node.parentNodeId === container && node.error !== null);
    return inside.at(-1)?.error ?? null;
  }

  #keep(node: NodeRun): NodeRun {
    const before = this.#nodes.get(node.id);
    if (before && !isOpen(before)) this.#count(before, -1);
    if (isOpen(node)) this.#open.set(node.id, node);
    else {
      this.#open.delete(node.id);
      this.#count(node, 1);
    }
    if (node.status === 'FAILED') this.#lastFailed = node.nodeId;
    this.#nodes.set(node.id, node);
    return node;
  }

  #count(node: NodeRun, by: 1 | -1): void {
    this.#finished += by;
    if (node.status === 'FAILED' || node.status === 'EXCEPTION') this.#failed += by;
  }
}

function isOpen(node: NodeRun): boolean {
  return node.status === 'RUNNING' || node.status === 'RETRYING' || node.status === 'PAUSED';
}

const statuses: Readonly<Record<string, NodeStatus>> = {
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  exception: 'EXCEPTION',
  retry: 'RETRYING',
  paused: 'PAUSED',
  stopped: 'STOPPED',
};

function nodeStatus(wire: string): NodeStatus {
  return Object.hasOwn(statuses, wire) ? statuses[wire]! : 'FAILED';
}
