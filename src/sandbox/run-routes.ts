import { isGraph } from './app.ts';
import { elapsed, seconds } from './clock.ts';
import { invalidParam, notFound, notWorkflowApp } from './errors.ts';
import { json, type Call, type Reply } from './http.ts';
import { fixedId } from './ids.ts';
import { pythonJson } from './python-json.ts';
import type { Run } from './runs.ts';
import { between, oneOf, validate } from './schema.ts';
import type { World } from './world.ts';

/** `GET /workflows/run/{id}`: up to 1.12 an unknown run is not missing, all its fields are null (observed). */
export function runDetail(world: World, { app, params, path }: Call): Reply {
  if (!isGraph(app)) throw notWorkflowApp();
  const run = world.runs.find(app.name, params['run'] ?? '');
  const { runRecords } = world.features;
  if (run === undefined && runRecords) throw notFound('Workflow run not found.', path);
  return json(run === undefined ? noRun : detailOf(run, runRecords));
}

const noRun = {
  id: null,
  workflow_id: null,
  status: null,
  inputs: null,
  outputs: null,
  error: null,
  total_steps: null,
  total_tokens: null,
  created_at: null,
  finished_at: null,
  elapsed_time: null,
};

/** Inputs are JSON in a string, up to 1.12 outputs, too; nothing is counted until the end. */
function detailOf(run: Run, asObject: boolean): object {
  const { finishedAt } = run;
  return {
    id: run.id,
    workflow_id: run.workflowId,
    status: run.status,
    inputs: pythonJson(run.inputs, false),
    outputs: asObject ? run.outputs : pythonJson(run.outputs, false),
    error: run.error,
    total_steps: finishedAt === null ? 0 : run.totalSteps,
    total_tokens: finishedAt === null ? 0 : run.totalTokens,
    created_at: seconds(run.createdAt),
    finished_at: finishedAt === null ? null : seconds(finishedAt),
    elapsed_time: finishedAt === null ? 0 : elapsed(run.createdAt, finishedAt),
  };
}

/** `GET /workflows/logs`: of the whole app, whoever asks. */
export function listLogs(world: World, { app, query }: Call): Reply {
  if (!isGraph(app)) throw notWorkflowApp();
  validate('WorkflowLogQuery', Object.fromEntries(query), {
    status: { check: oneOf('succeeded', 'failed', 'stopped') },
    page: { check: between(1, 99_999) },
    limit: { check: between(1, 100) },
  });
  const page = Number(query.get('page') ?? 1);
  const limit = Number(query.get('limit') ?? 20);
  const before = timeOf(query, 'created_at__before');
  const after = timeOf(query, 'created_at__after');
  const status = query.get('status');
  const session = query.get('created_by_end_user_session_id');
  const keyword = query.get('keyword') ?? '';
  const account = query.get('created_by_account') ?? '';
  if (account !== '') throw invalidParam(`Account not found: ${account}`);
  const runs = world.runs
    .of(app.name)
    .filter((run) => run.finishedAt !== null)
    .filter((run) => status === null || run.status === status)
    .filter((run) => session === null || run.user.session === session)
    .filter(
      (run) => (before === undefined || run.createdAt <= before) && (after === undefined || run.createdAt >= after),
    )
    .filter(
      (run) => keyword === '' || pythonJson([run.inputs, run.outputs, run.user.session], false).includes(keyword),
    );
  const data = runs.slice((page - 1) * limit, page * limit).map(logItem);
  return json({ page, limit, total: runs.length, has_more: runs.length > page * limit, data });
}

function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalidParam(`Invalid isoformat string: '${text}'`);
  return time * 1000;
}

function logItem(run: Run): object {
  const createdAt = seconds(run.createdAt);
  return {
    id: fixedId(`log/${run.id}`),
    workflow_run: {
      id: run.id,
      version: '2026-11-22 06:19:30.236889',
      status: run.status,
      triggered_from: 'app-run',
      error: run.error,
      elapsed_time: elapsed(run.createdAt, run.finishedAt ?? run.createdAt),
      total_tokens: run.totalTokens,
      total_steps: run.totalSteps,
      created_at: createdAt,
      finished_at: run.finishedAt === null ? null : seconds(run.finishedAt),
      exceptions_count: run.exceptions,
    },
    details: null,
    created_from: 'service-api',
    created_by_role: 'end_user',
    created_by_account: null,
    created_by_end_user: { id: run.user.id, type: 'service-api', is_anonymous: false, session_id: run.user.session },
    created_at: createdAt,
  };
}
