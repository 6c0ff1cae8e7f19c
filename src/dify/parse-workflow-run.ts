import { id, isJson, json, type Json, number, text, textOrNull, tokens, whole } from './coerce.ts';
import { parseJson } from './json.ts';
import { epochSeconds } from './time.ts';
import type { WorkflowLogRecord, WorkflowLogRun, WorkflowRunRecord } from './workflow-run.ts';

/** Null for a run that Dify does not know. */
export function parseWorkflowRun(from: Json): WorkflowRunRecord | null {
  const runId = id(from['id']);
  if (runId === null) return null;
  return {
    id: runId,
    workflowId: id(from['workflow_id']),
    status: text(from['status']),
    inputs: written(from['inputs']),
    outputs: written(from['outputs']),
    error: textOrNull(from['error']),
    totalSteps: whole(from['total_steps']),
    totalTokens: tokens(from['total_tokens']),
    elapsedTime: number(from['elapsed_time']),
    createdAt: epochSeconds(from['created_at']),
    finishedAt: epochSeconds(from['finished_at']),
  };
}

export function parseWorkflowLog(from: Json): WorkflowLogRecord {
  const account = json(from['created_by_account']);
  const endUser = json(from['created_by_end_user']);
  return {
    id: text(from['id']),
    run: isJson(from['workflow_run']) ? logRun(from['workflow_run']) : null,
    createdFrom: id(from['created_from']),
    createdByRole: id(from['created_by_role']),
    account: isJson(from['created_by_account'])
      ? { id: text(account['id']), name: textOrNull(account['name']), email: id(account['email']) }
      : null,
    endUser: isJson(from['created_by_end_user'])
      ? {
          id: text(endUser['id']),
          type: id(endUser['type']),
          isAnonymous: endUser['is_anonymous'] === true,
          sessionId: textOrNull(endUser['session_id']),
        }
      : null,
    createdAt: epochSeconds(from['created_at']),
  };
}

function logRun(from: Json): WorkflowLogRun {
  return {
    id: text(from['id']),
    version: id(from['version']),
    status: text(from['status']),
    triggeredFrom: id(from['triggered_from']),
    error: textOrNull(from['error']),
    elapsedTime: number(from['elapsed_time']),
    totalTokens: tokens(from['total_tokens']),
    totalSteps: whole(from['total_steps']),
    exceptionsCount: whole(from['exceptions_count']),
    createdAt: epochSeconds(from['created_at']),
    finishedAt: epochSeconds(from['finished_at']),
  };
}

/** An object, or the text of one: `inputs` always, `outputs` up to 1.12 (C96). */
function written(value: unknown): Json | null {
  const read = typeof value === 'string' ? parseJson(value) : value;
  return isJson(read) ? read : null;
}
