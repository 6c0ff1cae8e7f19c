import { endOf, type Circumstances, type ToldError } from './wire-end.ts';
import { array, inner, name, number, object, price, string, type Frame } from './wire-frames.ts';
import { graphOf, type ToldNode } from './wire-nodes.ts';
import { textOf, type ToldText } from './wire-text.ts';

/** What a stream says of a run, in the shapes in which GraphQL tells it. */
export interface Told extends ToldText {
  readonly status: string;
  readonly error: (ToldError & { readonly nodeId: string | null }) | null;
  readonly ids: {
    readonly conversationId: string | null;
    readonly messageId: string | null;
    readonly taskId: string | null;
    readonly workflowRunId: string | null;
  };
  readonly steps: readonly object[];
  readonly nodes: readonly ToldNode[];
  readonly rounds: readonly string[];
  readonly progress: object;
  readonly logs: readonly object[];
  readonly files: readonly object[];
  readonly audio: readonly string[];
  readonly citations: readonly object[];
  readonly usage: object | null;
  readonly outputs: unknown;
}

/** Everything that can be told of the run from these frames, after which the stream breaks off. */
export function toldBy(all: readonly Frame[], circumstances: Circumstances): Told {
  const end = endOf(all, circumstances);
  const frames = all.slice(0, end.frames);
  const { nodes, rounds, failed } = graphOf(frames);
  const finished = frames.findLast((frame) => name(frame) === 'workflow_finished');
  const closing = frames.findLast((frame) => name(frame) === 'message_end');
  const unwell = nodes.filter(({ status }) => status === 'FAILED' || status === 'EXCEPTION');
  return {
    ...textOf(frames),
    status: end.status,
    error: end.error && { ...end.error, nodeId: failed },
    ids: idsOf(frames),
    steps: stepsOf(frames),
    nodes,
    rounds,
    progress: { started: nodes.length, finished: nodes.length, failed: unwell.length, current: [] },
    logs: logsOf(frames),
    files: filesOf(frames),
    audio: frames.filter((frame) => name(frame).startsWith('tts_')).map((frame) => String(frame['audio'])),
    citations: citationsOf(closing),
    usage: withTokens(usageOf(closing, finished)) ?? summed(frames) ?? usageOf(closing, finished),
    outputs: finished ? inner(finished)['outputs'] : null,
  };
}

function idsOf(frames: readonly Frame[]): Told['ids'] {
  const newest = (key: string) => frames.map((frame) => string(frame[key])).findLast((id) => id !== null) ?? null;
  const [conversationId, messageId, taskId] = [newest('conversation_id'), newest('message_id'), newest('task_id')];
  return { conversationId, messageId, taskId, workflowRunId: newest('workflow_run_id') };
}

/** Snapshots: what is not empty replaces what was before. A step that says nothing yet is none. */
function stepsOf(frames: readonly Frame[]): readonly object[] {
  const steps = new Map<unknown, Frame>();
  for (const frame of frames.filter((one) => name(one) === 'agent_thought')) {
    const filled = Object.entries(frame).filter(([, value]) =>
      Array.isArray(value) ? value.length > 0 : value !== '',
    );
    steps.set(frame['id'], { ...steps.get(frame['id']), ...Object.fromEntries(filled) });
  }
  return [...steps.values()].flatMap((step) => {
    const [thought, tool, observation] = [string(step['thought']), string(step['tool']), string(step['observation'])];
    const files = array(step['message_files']);
    if (thought === null && tool === null && observation === null && files.length === 0) return [];
    const toolInput = parsed(string(step['tool_input']));
    const toolLabels = object(step['tool_labels']);
    return [{ id: step['id'], position: step['position'], thought, tool, toolLabels, toolInput, observation, files }];
  });
}

function parsed(json: string | null): unknown {
  try {
    return json === null ? null : JSON.parse(json);
  } catch {
    return json;
  }
}

function logsOf(frames: readonly Frame[]): readonly object[] {
  const logs = new Map<unknown, object>();
  for (const frame of frames.filter((one) => name(one) === 'agent_log')) {
    const { id, parent_id: parentId, node_id: nodeId, label, status, error } = inner(frame);
    logs.set(id, { id, parentId, nodeId, label, status, error });
  }
  return [...logs.values()];
}

const fileTypes = ['image', 'document', 'audio', 'video'];

/** Each once: what tools produced, and what a graph lists at its end. */
function filesOf(frames: readonly Frame[]): readonly object[] {
  const isGraph = frames.some((frame) => name(frame) === 'workflow_started');
  const named = frames.flatMap((frame) => {
    if (name(frame) === 'message_file') return 'answer' in frame ? [] : [frame];
    if (name(frame) === 'message_end') return isGraph ? array(frame['files']) : [];
    return name(frame) === 'workflow_finished' ? array(inner(frame)['files']) : [];
  });
  const files = new Map<string, object>();
  for (const file of named) {
    const id = string(file['id']) ?? string(file['related_id']) ?? string(file['upload_file_id']);
    if (id === null || files.has(id)) continue;
    const type = fileTypes.find((one) => one === file['type'])?.toUpperCase() ?? 'CUSTOM';
    const size = number(file['size']);
    files.set(id, {
      id,
      type,
      name: string(file['filename']),
      mimeType: string(file['mime_type']),
      size: size === -1 ? null : size,
      fromUser: file['belongs_to'] === 'user',
    });
  }
  return [...files.values()];
}

function citationsOf(closing: Frame | undefined): readonly object[] {
  return array(object(closing?.['metadata'])['retriever_resources']).map((from) => ({
    position: from['position'],
    datasetId: from['dataset_id'],
    datasetName: from['dataset_name'],
    documentId: from['document_id'],
    documentName: from['document_name'],
    segmentId: from['segment_id'],
    score: from['score'],
    content: from['content'],
  }));
}

/** The message's own figures; without them, the few of the graph. */
function usageOf(closing: Frame | undefined, finished: Frame | undefined): object | null {
  const own = object(object(closing?.['metadata'])['usage']);
  if (Object.keys(own).length > 0) {
    return {
      promptTokens: number(own['prompt_tokens']),
      completionTokens: number(own['completion_tokens']),
      totalTokens: number(own['total_tokens']),
      totalPrice: price(own['total_price']),
      currency: string(own['currency']),
      latencySeconds: number(own['latency']),
    };
  }
  if (!finished) return null;
  const told = inner(finished);
  const few = { promptTokens: null, completionTokens: null, totalPrice: null, currency: null };
  return { ...few, totalTokens: told['total_tokens'], latencySeconds: told['elapsed_time'] };
}

function withTokens(usage: object | null): object | null {
  return usage && 'totalTokens' in usage && usage.totalTokens ? usage : null;
}

/** What the model calls of a graph say together, each execution once. */
function summed(frames: readonly Frame[]): object | null {
  const ended = frames.filter((frame) => name(frame) === 'node_finished').map((frame) => inner(frame));
  const told = ended
    .map((data) => object(data['execution_metadata']))
    .filter((data) => Number(data['total_tokens']) > 0);
  if (told.length === 0) return null;
  const prices = told.map((data) => String(data['total_price']));
  const places = Math.max(...prices.map((text) => text.split('.')[1]?.length ?? 0));
  return {
    promptTokens: null,
    completionTokens: null,
    totalTokens: told.reduce((sum, data) => sum + Number(data['total_tokens']), 0),
    totalPrice: prices.reduce((sum, text) => sum + Number(text), 0).toFixed(places),
    currency: string(told[0]?.['currency']),
    latencySeconds: null,
  };
}
