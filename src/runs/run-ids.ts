import type { Envelope } from '../dify/wire-event.ts';

/** The ids of a run with those that an event names besides; null where that is nothing new. */
export function moreIds(known: Envelope, told: Partial<Envelope>): Envelope | null {
  // The end of a run that is over is told with the run's id for its task's (§8.2).
  const taskId = told.taskId === told.workflowRunId ? null : told.taskId;
  const ids = {
    taskId: taskId ?? known.taskId,
    conversationId: told.conversationId ?? known.conversationId,
    messageId: told.messageId ?? known.messageId,
    workflowRunId: told.workflowRunId ?? known.workflowRunId,
  };
  const isNew =
    ids.taskId !== known.taskId ||
    ids.messageId !== known.messageId ||
    ids.conversationId !== known.conversationId ||
    ids.workflowRunId !== known.workflowRunId;
  return isNew ? ids : null;
}
