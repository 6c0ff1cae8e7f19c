import type { Envelope } from '../dify/wire-event.ts';

/** The ids of a run with those that an event names besides; null where that is nothing new. */
export function moreIds(known: Envelope, told: Partial<Envelope>): Envelope | null {
  // The end of a run that is over is told with the run's id for its task's (§8.2).
  const taskId = told.taskId === told.workflowRunId ? null : told.taskId;
  const isNew =
    (taskId ?? known.taskId) !== known.taskId ||
    (told.messageId ?? known.messageId) !== known.messageId ||
    (told.conversationId ?? known.conversationId) !== known.conversationId ||
    (told.workflowRunId ?? known.workflowRunId) !== known.workflowRunId;
  if (!isNew) return null;
  return {
    taskId: taskId ?? known.taskId,
    conversationId: told.conversationId ?? known.conversationId,
    messageId: told.messageId ?? known.messageId,
    workflowRunId: told.workflowRunId ?? known.workflowRunId,
  };
}
