import { isGraph } from './app.ts';
import { elapsed, seconds } from './clock.ts';
import { notFound, notWorkflowApp } from './errors.ts';
import { runSummary } from './graph.ts';
import { requiredUser, sendText, type Call, type Reply } from './http.ts';
import { pythonJson } from './python-json.ts';
import { relay, terminal } from './relay.ts';
import type { LiveRun, NodeRow, Run } from './runs.ts';
import type { World } from './world.ts';

const headers = { 'Cache-Control': 'no-cache', Connection: 'keep-alive' };

/** `GET /workflow/{run}/events`: what a run says from now on, before it if asked for what it has come to, or its end (§8.2). */
export async function followRun(world: World, { app, params, query, response, path }: Call): Promise<Reply> {
  const user = requiredUser(app, query.get('user'));
  if (!isGraph(app)) throw notWorkflowApp();
  const run = world.runs.find(app.name, params['run'] ?? '');
  if (run === undefined || run.user.id !== user.id) throw notFound('Workflow run not found', path);
  const { live } = run;
  if (live === undefined) {
    sendText(response, 200, finished(run), { 'Content-Type': 'text/event-stream; charset=utf-8', ...headers });
    return 'taken';
  }
  const flag = (name: string) => query.get(name)?.toLowerCase() === 'true';
  const withSnapshot = flag('include_state_snapshot');
  const overPauses = flag('continue_on_pause');
  const { pingMs, relayIdleMs: idleMs } = world.settings;
  await relay(live.topic, response, {
    pingMs,
    idleMs,
    headers,
    passesPings: !withSnapshot,
    endsOn: overPauses ? new Set(withSnapshot ? ['workflow_finished'] : []) : terminal,
    first: withSnapshot ? snapshot(run, live) : [],
  });
  return 'taken';
}

/** The only frame of a run that is over: spaced, ASCII, and with the run's id as task. */
function finished(run: Run): string {
  const event = {
    event: 'workflow_finished',
    task_id: run.id,
    workflow_run_id: run.id,
    data: {
      ...runSummary(run),
      created_by: { id: run.user.id, user: run.user.session },
      created_at: seconds(run.createdAt),
      finished_at: seconds(run.finishedAt ?? run.createdAt),
      exceptions_count: run.exceptions,
      files: [],
    },
  };
  return `data: ${pythonJson(event)}\n\n`;
}

/** What a run has come to, from its rows: no details of nodes, no rounds, no pieces of text. A chatflow's keys come last. */
function snapshot(run: Run, live: LiveRun): string[] {
  const { taskId: task_id, about, inputs, nodes, text, pause } = live;
  const frame = (event: string, fields: object) =>
    `data: ${JSON.stringify({ event, task_id, ...fields, ...about })}\n\n`;
  const ofRun = (event: string, data: object) => frame(event, { workflow_run_id: run.id, data });
  const { id, workflowId: workflow_id } = run;
  const started = { id, workflow_id, inputs, created_at: seconds(run.createdAt), reason: 'initial' };
  return [
    ofRun('workflow_started', started),
    ...('message_id' in about ? [frame('message_replace', { answer: text, reason: '' })] : []),
    ...nodes.flatMap((node, index) => [
      ofRun('node_started', nodeStarted(node, index + 1)),
      ...(node.finishedAt === null ? [] : [ofRun('node_finished', nodeFinished(node, index + 1))]),
    ]),
    ...pause.map(({ event, data }) => ofRun(event, data)),
  ];
}

const head = ({ id, nodeId, type, title }: NodeRow, index: number) => ({
  id,
  node_id: nodeId,
  node_type: type,
  title,
  index,
  predecessor_node_id: null,
  inputs: null,
});

const nodeStarted = (node: NodeRow, index: number) => ({
  ...head(node, index),
  created_at: seconds(node.createdAt),
  extras: {},
  iteration_id: node.iterationId,
  loop_id: null,
});

const nodeFinished = (node: NodeRow, index: number) => ({
  ...head(node, index),
  process_data: null,
  outputs: null,
  status: node.status,
  error: node.error,
  elapsed_time: elapsed(node.createdAt, node.finishedAt ?? node.createdAt),
  execution_metadata: null,
  created_at: seconds(node.createdAt),
  finished_at: seconds(node.finishedAt ?? node.createdAt),
  files: [],
  iteration_id: node.iterationId,
  loop_id: null,
});
