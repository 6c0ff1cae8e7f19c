import { id, isJson, json, type Json, list, number, text, textOrNull, tokens, whole } from './coerce.ts';
import { decimal } from './decimal.ts';
import { files } from './wire-parts.ts';
import type { ContainerEvent, Envelope, NodeEvent, WireEvent, WorkflowFinishedEvent } from './wire-event.ts';

/** The events of workflows and chatflows: their members are in `data`. */
export function parseGraphEvent(name: string, frame: Json, envelope: Envelope): WireEvent {
  const inner = json(frame['data']);
  switch (name) {
    case 'node_started':
    case 'node_finished':
    case 'node_retry':
      return node(name, inner, envelope);
    case 'workflow_started':
      return {
        event: name,
        ...envelope,
        workflowRunId: envelope.workflowRunId ?? id(inner['id']),
        workflowId: id(inner['workflow_id']),
        inputs: json(inner['inputs']),
        createdAt: number(inner['created_at']),
        reason: id(inner['reason']),
      };
    case 'workflow_finished':
      return workflowFinished(inner, envelope);
    case 'workflow_paused':
      return {
        event: name,
        ...envelope,
        workflowRunId: envelope.workflowRunId ?? id(inner['workflow_run_id']),
        reasons: list(inner['reasons']).filter(isJson),
      };
    case 'human_input_required':
    case 'human_input_form_filled':
    case 'human_input_form_timeout':
      return { event: name, ...envelope, data: inner };
    case 'iteration_started':
    case 'iteration_completed':
    case 'loop_started':
    case 'loop_completed':
      return container(name, inner, envelope);
    case 'iteration_next':
    case 'loop_next':
      return {
        event: name,
        ...envelope,
        nodeId: containerId(inner),
        title: text(inner['title']),
        index: whole(inner['index']) ?? 0,
      };
    case 'text_replace':
      return { event: name, ...envelope, text: text(inner['text']) };
    case 'reasoning_chunk':
      return {
        event: name,
        ...envelope,
        messageId: envelope.messageId ?? id(inner['message_id']),
        reasoning: text(inner['reasoning']),
        nodeId: id(inner['node_id']),
        final: inner['is_final'] === true,
      };
    case 'agent_log':
      return {
        event: name,
        ...envelope,
        id: text(inner['id']),
        parentId: id(inner['parent_id']),
        nodeId: id(inner['node_id']),
        label: text(inner['label']),
        status: text(inner['status']),
        error: textOrNull(inner['error']),
        data: inner['data'] ?? null,
      };
    default:
      return { event: 'unknown', ...envelope, name, data: frame };
  }
}

function workflowFinished(inner: Json, envelope: Envelope): WorkflowFinishedEvent {
  return {
    event: 'workflow_finished',
    ...envelope,
    workflowRunId: envelope.workflowRunId ?? id(inner['id']),
    workflowId: id(inner['workflow_id']),
    status: text(inner['status']),
    outputs: isJson(inner['outputs']) ? inner['outputs'] : null,
    error: textOrNull(inner['error']),
    elapsedTime: number(inner['elapsed_time']),
    totalTokens: tokens(inner['total_tokens']) ?? 0,
    totalSteps: whole(inner['total_steps']) ?? 0,
    createdAt: number(inner['created_at']),
    finishedAt: number(inner['finished_at']),
    exceptionsCount: whole(inner['exceptions_count']) ?? 0,
    files: files(inner['files']),
  };
}

function node(event: NodeEvent['event'], inner: Json, envelope: Envelope): NodeEvent {
  const metadata = json(inner['execution_metadata']);
  return {
    event,
    ...envelope,
    id: text(inner['id']),
    nodeId: text(inner['node_id']),
    nodeType: text(inner['node_type']),
    title: text(inner['title']),
    index: whole(inner['index']) ?? 0,
    status: event === 'node_started' ? 'running' : text(inner['status']),
    inputs: inner['inputs'] ?? null,
    outputs: inner['outputs'] ?? null,
    error: textOrNull(inner['error']),
    elapsedTime: number(inner['elapsed_time']),
    totalTokens: tokens(metadata['total_tokens']),
    totalPrice: decimal(metadata['total_price']),
    currency: id(metadata['currency']),
    iterationId: id(inner['iteration_id']) ?? id(metadata['iteration_id']),
    iterationIndex: whole(metadata['iteration_index']),
    loopId: id(inner['loop_id']) ?? id(metadata['loop_id']),
    loopIndex: whole(metadata['loop_index']),
    createdAt: number(inner['created_at']),
    finishedAt: number(inner['finished_at']),
    retryIndex: event === 'node_retry' ? whole(inner['retry_index']) : null,
  };
}

function container(event: ContainerEvent['event'], inner: Json, envelope: Envelope): ContainerEvent {
  return {
    event,
    ...envelope,
    nodeId: containerId(inner),
    nodeType: text(inner['node_type']),
    title: text(inner['title']),
    status: event === 'iteration_started' || event === 'loop_started' ? 'running' : text(inner['status']),
    inputs: inner['inputs'] ?? null,
    outputs: inner['outputs'] ?? null,
    error: textOrNull(inner['error']),
    elapsedTime: number(inner['elapsed_time']),
    totalTokens: tokens(inner['total_tokens']),
    createdAt: number(inner['created_at']),
    finishedAt: number(inner['finished_at']),
  };
}

/** Containers put their node id into `id`, too. */
function containerId(inner: Json): string {
  return id(inner['node_id']) ?? text(inner['id']);
}
