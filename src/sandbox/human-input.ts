import { Stopped } from './faults.ts';
import { Form, type FormDefinition, type Submission } from './forms.ts';
import type { Graph } from './graph.ts';
import { amount } from './magic-words.ts';
import { NodeExecution } from './node.ts';
import { pausedReply } from './pause-replies.ts';

/** How long it takes until a worker goes on with a run, at least; at pace 1 a little longer. */
const resumeMs = 50;

/**
 * A human-input node: the form, the pause, and, once somebody has answered or the time is up, the same node again (§8.3).
 * Gives the answer; undefined when there was none in time.
 */
export async function askPerson(graph: Graph, definition: FormDefinition): Promise<Submission | undefined> {
  const { turn, run } = graph;
  const { world } = turn;
  const execution = new NodeExecution(graph, {
    id: definition.nodeId,
    type: 'human-input',
    title: definition.nodeTitle,
  });
  await execution.start();
  const form = openForm(graph, definition);
  execution.row.status = 'paused';
  execution.row.finishedAt = world.now();
  await pause(graph, form);
  const submission = await form.answered;
  graph.endPause();
  await turn.rest(resumeMs);
  await goOn(graph);
  await execution.start();
  if (turn.stopped) throw new Stopped();
  await tell(graph, form, submission);
  run.totalSteps += 1;
  await execution.finish('succeeded', null, outcomeOf(definition, submission));
  return submission;
}

function openForm(graph: Graph, definition: FormDefinition): Form {
  const { turn, run } = graph;
  const { world, magic, message } = turn;
  const given = amount(magic, '!formtimeout', 1);
  const waitMs = given === undefined ? world.settings.formTimeoutMs : given * 1_000;
  const expiresAt = Math.ceil(world.now() / 1e6 + waitMs / 1_000);
  const form = new Form({ app: run.app, runId: run.id, definition, expiresAt }, waitMs, magic.words.has('!mailform'));
  world.forms.add(form);
  message?.forms.push(form);
  return form;
}

async function pause(graph: Graph, form: Form): Promise<void> {
  const { turn, run, worker } = graph;
  const required = requiredData(turn.world.features, form);
  const reason = reasonOf(required);
  const { node_id } = required;
  const { total_tokens, total_steps, ...times } = graph.progress();
  const paused = {
    workflow_run_id: run.id,
    paused_nodes: [node_id],
    outputs: {},
    reasons: [reason],
    status: 'paused',
    ...times,
    total_tokens,
    total_steps,
  };
  run.status = 'paused';
  if (turn.message !== undefined) {
    turn.message.status = 'paused';
    turn.message.answer = run.live?.text ?? '';
  }
  if (run.live !== undefined) {
    run.live.pause = [
      { event: 'human_input_required', data: required },
      { event: 'workflow_paused', data: paused },
    ];
  }
  // The pause of a workflow arms the stop flag in these versions, and the resumed run finds it (§8.3).
  if (turn.world.features.brokenResume && turn.app.mode === 'workflow') turn.stop();
  await graph.emit('human_input_required', required);
  await graph.emit('workflow_paused', paused);
  await worker?.end();
  turn.pause(pausedReply(graph, [node_id], [reason]));
}

async function goOn(graph: Graph): Promise<void> {
  const { turn, worker } = graph;
  worker?.start();
  if (turn.message !== undefined) turn.message.status = 'normal';
  await graph.resume();
}

/** What `human_input_required` says of a form. */
export function requiredData({ newAgent }: { readonly newAgent: boolean }, { id, definition, token, expiresAt }: Form) {
  return {
    form_id: id,
    node_id: definition.nodeId,
    node_title: definition.nodeTitle,
    form_content: definition.content,
    inputs: definition.inputs,
    actions: definition.actions,
    display_in_ui: true,
    form_token: token,
    ...(newAgent ? { approval_channels: [] } : {}),
    resolved_default_values: definition.defaults,
    expiration_time: expiresAt,
  };
}

/** A form as the reason of a pause: the same again, in another order. */
function reasonOf(required: ReturnType<typeof requiredData>): object {
  const { form_id, form_content, inputs, actions, node_id, node_title, resolved_default_values } = required;
  const { form_token, approval_channels, expiration_time } = required;
  return {
    TYPE: 'human_input_required',
    form_id,
    form_content,
    inputs,
    actions,
    node_id,
    node_title,
    resolved_default_values,
    form_token,
    ...(approval_channels === undefined ? {} : { approval_channels }),
    expiration_time,
  };
}

/** The event that tells how the form was answered, where there is one. */
async function tell(graph: Graph, form: Form, submission: Submission | undefined): Promise<void> {
  const { brokenResume, formFiles } = graph.turn.world.features;
  if (brokenResume) return;
  const { nodeId: node_id, nodeTitle: node_title } = form.definition;
  if (submission === undefined) {
    await graph.emit('human_input_form_timeout', { node_id, node_title, expiration_time: form.expiresAt });
    return;
  }
  const { rendered, action, values } = submission;
  await graph.emit('human_input_form_filled', {
    node_id,
    node_title,
    rendered_content: rendered,
    action_id: action.id,
    action_text: action.title,
    ...(formFiles ? { submitted_data: values } : {}),
  });
}

function outcomeOf({ content }: FormDefinition, submission: Submission | undefined) {
  const { values = {}, action, rendered = content } = submission ?? {};
  const outputs = {
    ...values,
    __action_id: action?.id ?? '',
    __action_value: action?.title ?? '',
    __rendered_content: rendered,
  };
  return { inputs: values, outputs };
}
