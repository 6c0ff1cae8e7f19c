import { approval } from './approval.ts';
import { seconds } from './clock.ts';
import { describe } from './describe.ts';
import { notWorkflowApp } from './errors.ts';
import { runSummary, type Graph } from './graph.ts';
import { bodyOf, requiredUser, type Call, type Reply } from './http.ts';
import { inputsFor } from './inputs.ts';
import { findMagic } from './magic-words.ts';
import { openTurn, perform, refuseByMagic, replayed, scripted } from './perform.ts';
import { versionFor } from './pinned.ts';
import { generationRules, validate } from './schema.ts';
import type { Turn } from './turn.ts';
import { summarize } from './workflow.ts';
import type { World } from './world.ts';

type Workflow = (turn: Turn, inputs: Readonly<Record<string, unknown>>) => Promise<Graph>;

/** The graphs of the workflow apps, and the input that magic words stand in. */
const workflows: Readonly<Record<string, readonly [run: Workflow, text: string]>> = {
  summarize: [summarize, 'text'],
  describe: [describe, 'question'],
  approval: [approval, 'topic'],
};

/** `POST /workflows/run` and `POST /workflows/{workflow}/run` */
export async function runWorkflow(world: World, call: Call): Promise<Reply> {
  if (await scripted(world, call)) return 'taken';
  const { app, params, path } = call;
  const body = bodyOf(call);
  const user = requiredUser(app, body['user']);
  const [run, text] = workflows[app.name] ?? [];
  if (run === undefined || text === undefined) throw notWorkflowApp();
  validate('WorkflowRunPayload', body, generationRules);
  const workflowId = versionFor(app, params['workflow'], path);
  const given = body['inputs'] as Record<string, unknown>;
  const magic = findMagic(typeof given[text] === 'string' ? given[text] : '');
  refuseByMagic(magic);
  const streaming = body['response_mode'] === 'streaming';
  const check = () => inputsFor(world, app, user, given);
  // A worker looks at the inputs when the stream has begun (§1.5).
  const checked = streaming && world.features.relay ? undefined : check();
  if (await replayed(world, call.response, magic)) return 'taken';
  const turn = openTurn(world, call, { user, magic, streaming, workflowId });
  return perform(
    turn,
    call,
    () => run(turn, checked ?? check()),
    (graph) => blockingReply(turn.taskId, graph),
  );
}

function blockingReply(taskId: string, { run }: Graph): object {
  const times = {
    created_at: seconds(run.createdAt),
    finished_at: run.finishedAt === null ? null : seconds(run.finishedAt),
  };
  return { task_id: taskId, workflow_run_id: run.id, data: { ...runSummary(run), ...times } };
}
