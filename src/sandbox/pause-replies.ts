import { seconds } from './clock.ts';
import type { Graph } from './graph.ts';

/** What a blocking request is answered when the run comes to wait for a person (§4.1, §4.3). */
export function pausedReply(graph: Graph, nodes: readonly string[], reasons: readonly object[]): object {
  const { run, turn } = graph;
  const { created_at, ...progress } = graph.progress();
  const about = { paused_nodes: nodes, reasons, status: 'paused', ...progress };
  if (turn.message !== undefined) return chatReply(graph, about);
  const { elapsed_time, total_tokens, total_steps } = progress;
  return {
    task_id: turn.taskId,
    workflow_run_id: run.id,
    data: {
      id: run.id,
      workflow_id: run.workflowId,
      status: 'paused',
      outputs: {},
      error: null,
      elapsed_time,
      total_tokens,
      total_steps,
      created_at,
      finished_at: null,
      paused_nodes: nodes,
      reasons,
    },
  };
}

/** A chatflow says almost everything twice. */
function chatReply({ run, turn }: Graph, about: object): object {
  const { message, app, taskId, world } = turn;
  const id = message?.id;
  const conversation_id = message?.conversation?.id;
  const answer = message?.answer ?? '';
  const reasoning = world.features.tidy ? { reasoning: {} } : {};
  const metadata = { annotation_reply: null, retriever_resources: [], usage: null, ...reasoning };
  const created_at = seconds(message?.createdAt ?? 0);
  return {
    event: 'workflow_paused',
    task_id: taskId,
    id,
    message_id: id,
    conversation_id,
    mode: app.mode,
    answer,
    metadata,
    created_at,
    workflow_run_id: run.id,
    data: {
      id,
      mode: app.mode,
      conversation_id,
      message_id: id,
      workflow_run_id: run.id,
      answer,
      metadata,
      created_at,
      ...about,
    },
  };
}
