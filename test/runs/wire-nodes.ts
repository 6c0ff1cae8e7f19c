import { inner, instant, name, number, object, price, string, type Frame } from './wire-frames.ts';

/** One execution of a node, in the shape in which GraphQL tells it. */
export interface ToldNode {
  id: string;
  nodeId: string;
  type: string;
  title: string;
  index: number;
  status: string;
  startedAt: string | null;
  finishedAt: string | null;
  elapsedSeconds: number | null;
  error: string | null;
  usage: { totalTokens: number; totalPrice: string | null; currency: string | null } | null;
  parentNodeId: string | null;
  round: number | null;
  retries: number;
}

export interface ToldGraph {
  readonly nodes: readonly ToldNode[];
  /** Of iterations and loops, as `nodeId:round`. */
  readonly rounds: readonly string[];
  /** Graph id of the node that failed last and unhandled. */
  readonly failed: string | null;
}

/** Which node executions there were, by `data.id` (§2.4, §2.5). Those that never ended are closed with the run. */
export function graphOf(frames: readonly Frame[]): ToldGraph {
  const nodes = new Map<string, ToldNode>();
  const rounds: string[] = [];
  let failed: string | null = null;
  for (const [at, frame] of frames.entries()) {
    const told = inner(frame);
    const nodeId = string(told['node_id']) ?? '';
    const kind = name(frame);
    if (kind === 'iteration_next') rounds.push(`${nodeId}:${Number(told['index'])}`);
    if (/^(iteration|loop)_(started|completed)$/.test(kind)) {
      nodes.set(nodeId, containerOf(kind.endsWith('started'), told, nodes));
    } else if (/^node_(started|retry|finished)$/.test(kind)) {
      const node = executionOf(kind, told, nodes.get(string(told['id']) ?? ''));
      if (node.parentNodeId !== null) node.round ??= roundAt(frames.slice(0, at), node.parentNodeId);
      nodes.set(node.id, node);
      const round = `${node.parentNodeId}:${node.round}`;
      if (told['loop_id'] && !rounds.includes(round)) rounds.push(round);
    } else continue;
    if (told['status'] === 'failed') failed = nodeId;
  }
  for (const node of nodes.values()) if (isOpen(node)) node.status = 'STOPPED';
  return { nodes: [...nodes.values()], rounds, failed };
}

function isOpen({ status }: ToldNode): boolean {
  return status === 'RUNNING' || status === 'RETRYING';
}

function executionOf(kind: string, told: Frame, before: ToldNode | undefined): ToldNode {
  const metadata = object(told['execution_metadata']);
  const tokens = number(metadata['total_tokens']);
  return {
    id: string(told['id']) ?? '',
    nodeId: string(told['node_id']) ?? '',
    type: string(told['node_type']) ?? '',
    title: string(told['title']) ?? '',
    index: number(told['index']) ?? 0,
    status: { node_started: 'RUNNING', node_retry: 'RETRYING' }[kind] ?? String(told['status']).toUpperCase(),
    startedAt: before?.startedAt ?? instant(told['created_at']),
    finishedAt: kind === 'node_finished' ? instant(told['finished_at']) : null,
    elapsedSeconds: number(told['elapsed_time']),
    error: string(told['error']),
    usage: tokens
      ? { totalTokens: tokens, totalPrice: price(metadata['total_price']), currency: string(metadata['currency']) }
      : null,
    parentNodeId: string(told['iteration_id']) ?? string(told['loop_id']),
    round: number(metadata['iteration_index']) ?? number(metadata['loop_index']) ?? before?.round ?? null,
    retries: kind === 'node_retry' ? Number(told['retry_index']) : (before?.retries ?? 0),
  };
}

/** Containers get no node events: their own tell start and end, under the id of the node. */
function containerOf(started: boolean, told: Frame, nodes: ReadonlyMap<string, ToldNode>): ToldNode {
  const nodeId = string(told['node_id']) ?? '';
  const inside = [...nodes.values()].filter((node) => node.parentNodeId === nodeId && node.error !== null);
  const tokens = number(told['total_tokens']);
  return {
    id: nodeId,
    nodeId,
    type: string(told['node_type']) ?? '',
    title: string(told['title']) ?? '',
    index: 1,
    status: started ? 'RUNNING' : String(told['status']).toUpperCase(),
    startedAt: (started ? undefined : nodes.get(nodeId)?.startedAt) ?? instant(told['created_at']),
    finishedAt: started ? null : instant(told['finished_at']),
    elapsedSeconds: started ? null : number(told['elapsed_time']),
    // Dify leaves it null (C65): then the node inside knows.
    error: string(told['error']) ?? (told['status'] === 'failed' ? (inside.at(-1)?.error ?? null) : null),
    usage: tokens ? { totalTokens: tokens, totalPrice: null, currency: null } : null,
    parentNodeId: null,
    round: null,
    retries: 0,
  };
}

/**
 * The round that a node starts in, where that can be told: several rounds announced with no node between them run side by
 * side, and only the end of a node says which was its own (§2.5).
 */
function roundAt(before: readonly Frame[], container: string): number | null {
  const own = before.filter((frame) => [inner(frame)['node_id'], inner(frame)['iteration_id']].includes(container));
  const next = own.filter((frame) => name(frame) === 'iteration_next');
  const sideBySide = own.some(
    (frame, at) => name(frame) === 'iteration_next' && name(own[at + 1] ?? {}) === 'iteration_next',
  );
  if (next.length > 0) return sideBySide ? null : Number(inner(next.at(-1) ?? {})['index']);
  const over = before.filter((frame) => name(frame) === 'loop_next' && inner(frame)['node_id'] === container);
  return over.length;
}
