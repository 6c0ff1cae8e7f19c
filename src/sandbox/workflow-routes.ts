import { seconds } from './clock.ts';
import { notFound, notWorkflowApp } from './errors.ts';
import { ModelFault } from './faults.ts';
import { runSummary } from './graph.ts';
import { bodyOf, requiredUser, sendText, type Call, type Reply } from './http.ts';
import { inputsFor } from './inputs.ts';
import { findMagic } from './magic-words.ts';
import { openTurn, refuseByMagic, replayed, scripted } from './perform.ts';
import { pythonJson } from './python-json.ts';
import type { Run } from './runs.ts';
import { generationRules, validate } from './schema.ts';
import { summarize } from './workflow.ts';
import type { World } from './world.ts';

/** `POST /workflows/run` and `POST /workflows/{workflow}/run` */
export async function runWorkflow(world: World, call: Call): Promise<Reply> {
  if (await scripted(world, call)) return 'taken';
  const { app, params } = call;
  const body = bodyOf(call);
  const user = requiredUser(app, body['user']);
  if (app.mode !== 'workflow') throw notWorkflowApp();
  validate('WorkflowRunPayload', body, generationRules);
  const version = params['workflow'];
  if (version !== undefined && version !== app.workflowId)
    throw notFound(`Workflow not found with id: ${version}`, call.path);
  const given = body['inputs'] as Record<string, unknown>;
  const magic = findMagic(typeof given['text'] === 'string' ? given['text'] : '');
  refuseByMagic(magic);
  const inputs = inputsFor(world, app, user, given);
  if (await replayed(world, call.response, magic)) return 'taken';
  const streaming = body['response_mode'] === 'streaming';
  const turn = openTurn(world, call, { user, magic, streaming });
  try {
    const { run } = await summarize(turn, inputs);
    if (!streaming) sendText(call.response, 200, pythonJson(blockingReply(turn.taskId, run)), blockingType);
    else await turn.writer.end();
  } catch (fault) {
    if (!(fault instanceof ModelFault)) throw fault;
    await turn.emitError(fault);
    await turn.writer.end();
  } finally {
    world.turns.delete(turn.taskId);
  }
  return 'taken';
}

const blockingType = { 'Content-Type': 'application/json; charset=utf-8' };

function blockingReply(taskId: string, run: Run): object {
  const times = {
    created_at: seconds(run.createdAt),
    finished_at: run.finishedAt === null ? null : seconds(run.finishedAt),
  };
  return { task_id: taskId, workflow_run_id: run.id, data: { ...runSummary(run), ...times } };
}
