import { parseEvent } from '../../src/dify/parse-event.ts';
import type { WireEvent } from '../../src/dify/wire-event.ts';

/** One frame of a stream, with the fields that Dify 1.12 gives it. */
export type DifyFrame = Readonly<Record<string, unknown>> & { readonly event: string };

type Fields = Readonly<Record<string, unknown>>;

export const taskId = '7a5c0000-0001-4000-8000-000000000001';
const message_id = '3e550000-0001-4000-8000-000000000001';
export const conversationId = 'c0de0000-0001-4000-8000-000000000001';
const chat = { conversation_id: conversationId, message_id, created_at: 1_785_459_600, task_id: taskId };
const graph = { workflow_run_id: '2ca10000-0001-4000-8000-000000000001', task_id: taskId };

export const ping = 'event: ping\n\n';

/** As bytes of an event stream. */
export function sse(...frames: readonly DifyFrame[]): string {
  return frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('');
}

/** As the gateway parses them. */
export function wire(...frames: readonly DifyFrame[]): WireEvent[] {
  return frames.map((frame) => parseEvent(frame.event, frame));
}

export function message(answer: string, over: Fields = {}): DifyFrame {
  return { event: 'message', ...chat, id: message_id, answer, from_variable_selector: [], ...over };
}

export function agentMessage(answer: string): DifyFrame {
  return { event: 'agent_message', ...chat, id: message_id, answer };
}

export function agentThought(id: string, over: Fields = {}): DifyFrame {
  const empty = { thought: '', observation: '', tool: '', tool_labels: {}, tool_input: '', message_files: [] };
  return { event: 'agent_thought', ...chat, id, position: 1, ...empty, ...over };
}

export function messageReplace(answer: string, over: Fields = { reason: '' }): DifyFrame {
  return { event: 'message_replace', ...chat, answer, ...over };
}

const usage = {
  prompt_tokens: 88,
  completion_tokens: 14,
  total_tokens: 102,
  total_price: '6E-7',
  currency: 'USD',
  latency: 1.9,
};

export function messageEnd(metadata: Fields = { usage, retriever_resources: [] }): DifyFrame {
  return { event: 'message_end', ...chat, id: message_id, metadata, files: [] };
}

export function tts(audio: string): DifyFrame {
  return { event: audio === '' ? 'tts_message_end' : 'tts_message', ...chat, audio };
}

/** As chat apps and chatflows send it: without a task. */
export function error(code: string, status: number, text: string): DifyFrame {
  const { task_id: _, ...envelope } = chat;
  return { event: 'error', ...envelope, code, status, message: text };
}

/** As the relay of Dify 1.14 and later sends it. */
export function relayError(text: string): DifyFrame {
  return { event: 'error', message: text, status: 500 };
}

export function inGraph(event: string, data: Fields): DifyFrame {
  return { event, ...graph, data };
}

export function workflowStarted(): DifyFrame {
  return inGraph('workflow_started', { id: graph.workflow_run_id, workflow_id: 'v1', inputs: {}, created_at: 1 });
}

export function workflowFinished(status: string, over: Fields = {}): DifyFrame {
  const outputs = status === 'succeeded' ? { answer: 'done' } : {};
  return inGraph('workflow_finished', {
    id: graph.workflow_run_id,
    status,
    outputs,
    error: null,
    elapsed_time: 1.2,
    total_tokens: 50,
    total_steps: 3,
    exceptions_count: 0,
    files: [],
    ...over,
  });
}

/** Of the execution `id` of a node that is named after it unless told otherwise. */
export function node(event: 'started' | 'finished' | 'retry', id: string, over: Fields = {}): DifyFrame {
  const base = { id, node_id: `node-${id}`, node_type: 'code', title: `Title of ${id}`, index: 1, created_at: 100 };
  const ended = { status: 'succeeded', error: null, elapsed_time: 0.5, execution_metadata: null, finished_at: 101 };
  return inGraph(`node_${event}`, { ...base, ...(event === 'started' ? {} : ended), ...over });
}

/** Of a container: its id is its node's. */
export function container(
  event: `${'iteration' | 'loop'}_${'started' | 'completed'}`,
  id: string,
  over: Fields = {},
): DifyFrame {
  const [node_type = ''] = event.split('_');
  const base = { id, node_id: id, node_type, title: `Title of ${id}`, created_at: 100 };
  const ended = { status: 'succeeded', error: null, elapsed_time: 2.5, total_tokens: 0, finished_at: 103, steps: 5 };
  return inGraph(event, { ...base, ...(event.endsWith('completed') ? ended : {}), ...over });
}

export function round(kind: 'iteration' | 'loop', id: string, index: number): DifyFrame {
  return inGraph(`${kind}_next`, { id, node_id: id, node_type: kind, title: `Title of ${id}`, index, created_at: 100 });
}
