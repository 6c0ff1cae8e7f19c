import type { Progress as Counts, RunError as Failure } from '../runs/run-event.ts';
import type { KeptRun } from '../runs/run-log.ts';
import { App } from './app.ts';
import { builder } from './builder.ts';
import { ErrorCodeEnum } from './errors.ts';
import { HumanInputForm } from './human-input.ts';
import { MessageFile } from './file.ts';
import { Message, messageOf, Usage } from './message.ts';
import { NodeRun, PAYLOAD_BYTES } from './node-run.ts';
import { placeOf, withOwnAddresses } from './output-files.ts';

export const RunKind = builder.enumType('RunKind', { values: ['CHAT', 'COMPLETION', 'WORKFLOW'] as const });

export const RunStatus = builder.enumType('RunStatus', {
  values: {
    QUEUED: { description: 'Waits for its turn: its conversation is answering, or the app is at its limit.' },
    RUNNING: {},
    PAUSED: { description: 'Waits for a person: see `forms`.' },
    STOPPING: { description: 'Stop was asked for; Dify has not ended it yet.' },
    SUCCEEDED: {},
    PARTIAL_SUCCEEDED: { description: 'Workflows: ended, though some nodes failed and were handled.' },
    FAILED: {},
    STOPPED: {},
    UNKNOWN: { description: 'The gateway lost sight of it, and Dify’s records give no outcome.' },
  } as const,
});

export const RunError = builder.objectRef<Failure>('RunError').implement({
  description: 'Why a run failed.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCodeEnum }),
    message: t.exposeString('message'),
    retryable: t.exposeBoolean('retryable', {
      description: 'The same question may succeed if it is asked again, with a new idempotency key.',
    }),
    retryAfterMs: t.exposeInt('retryAfterMs', { nullable: true }),
    difyCode: t.exposeString('difyCode', {
      nullable: true,
      description: 'Dify’s own code, e.g. provider_quota_exceeded.',
    }),
    difyStatus: t.exposeInt('difyStatus', { nullable: true }),
    nodeId: t.exposeID('nodeId', { nullable: true }),
  }),
});

export const SettledBy = builder.enumType('SettledBy', {
  description: 'How the outcome of a run was learnt.',
  values: {
    STREAM: { description: 'From Dify’s stream, as a rule.' },
    RUN_RECORD: { description: 'From Dify’s record of the workflow run.' },
    HISTORY: { description: 'From the messages of the conversation.' },
    WATCHDOG: { description: 'Not from Dify: a limit of the gateway’s own ended it.' },
  } as const,
});

const RunTiming = builder.objectRef<KeptRun>('RunTiming').implement({
  description: 'Where the time went, in ms since the run was created.',
  fields: (t) => ({
    queuedMs: t.int({
      nullable: true,
      description: 'Until its turn came; null if it did not have to wait, or waits still.',
      resolve: ({ state }) => since(state.header.createdAt, state.turnAt),
    }),
    firstByteMs: t.int({
      nullable: true,
      description: 'Until Dify said anything.',
      resolve: ({ state }) => since(state.header.createdAt, state.firstEventAt),
    }),
    firstTextMs: t.int({
      nullable: true,
      description: 'Until the first text.',
      resolve: ({ state }) => since(state.header.createdAt, state.firstTextAt),
    }),
    totalMs: t.int({
      nullable: true,
      description: 'Until the end.',
      resolve: ({ state }) => since(state.header.createdAt, state.finishedAt),
    }),
    reconnects: t.int({
      description: 'How often the link to Dify was healed.',
      resolve: ({ state }) => state.reconnects,
    }),
    settledBy: t.field({ type: SettledBy, nullable: true, resolve: ({ state }) => state.settledBy }),
  }),
});

export const Progress = builder.objectRef<Counts>('Progress').implement({
  fields: (t) => ({
    started: t.exposeInt('started', { description: 'Nodes that have started.' }),
    finished: t.exposeInt('finished', { description: 'Of these, how many have ended, however they did.' }),
    failed: t.exposeInt('failed', { description: 'Of these, how many failed, handled or not.' }),
    current: t.field({
      type: ['String'],
      description: 'Titles of the nodes that run now.',
      resolve: ({ current }) => [...current],
    }),
  }),
});

export const Run = builder.interfaceRef<KeptRun>('Run');
Run.implement({
  description: 'One execution of an app. It lives in the gateway, not in a connection: a lost socket never ends it.',
  resolveType: ({ state }) => (state.header.kind === 'WORKFLOW' ? 'WorkflowRun' : 'ChatRun'),
  fields: (t) => ({
    id: t.id({ resolve: ({ state }) => state.header.id }),
    app: t.field({ type: App, resolve: ({ state }) => ({ name: state.header.app }) }),
    kind: t.field({ type: RunKind, resolve: ({ state }) => state.header.kind }),
    status: t.field({ type: RunStatus, resolve: ({ state }) => state.status }),
    lastSeq: t.int({ description: 'Number of the newest event.', resolve: ({ state }) => state.lastSeq }),
    createdAt: t.field({ type: 'DateTime', resolve: ({ state }) => state.header.createdAt }),
    finishedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ state }) => state.finishedAt }),
    error: t.field({
      type: RunError,
      nullable: true,
      description: 'Why it failed. A failed run is a result, not a GraphQL error.',
      resolve: ({ state }) => state.error,
    }),
    usage: t.field({ type: Usage, nullable: true, resolve: ({ state }) => state.usage }),
    watchers: t.exposeInt('watchers', { description: 'Subscriptions, and mutations that wait, now attached.' }),
    forms: t.field({
      type: [HumanInputForm],
      description: 'Forms that it waits for.',
      resolve: (run) => [...run.state.forms.values()].map((form) => ({ form, run })),
    }),
    timing: t.field({ type: RunTiming, resolve: (run) => run }),
  }),
});

export const ChatRun = builder.objectRef<KeptRun>('ChatRun');
ChatRun.implement({
  description: 'A question to a chat, agent or chatflow app, and its answer.',
  interfaces: [Run],
  fields: (t) => ({
    conversationId: t.id({ nullable: true, resolve: ({ state }) => state.conversationId }),
    messageId: t.id({ nullable: true, resolve: ({ state }) => state.messageId }),
    answer: t.string({ description: 'Text so far; final when the run has ended.', resolve: ({ state }) => state.text }),
    reasoning: t.string({ nullable: true, resolve: ({ state }) => state.reasoning || null }),
    message: t.field({
      type: Message,
      nullable: true,
      description: 'The turn, once Dify has named it.',
      resolve: messageOf,
    }),
    nodes: t.field({
      type: [NodeRun],
      description: 'Chatflow apps: their nodes, kept after the end.',
      resolve: nodesOf,
    }),
  }),
});

export const WorkflowRun = builder.objectRef<KeptRun>('WorkflowRun');
WorkflowRun.implement({
  description: 'An execution of a workflow app.',
  interfaces: [Run],
  fields: (t) => ({
    workflowRunId: t.id({ nullable: true, resolve: ({ state }) => state.workflowRunId }),
    inputs: t.field({ type: 'JSON', nullable: true, resolve: ({ state }) => state.header.inputs }),
    outputs: t.field({
      type: 'JSON',
      nullable: true,
      resolve: (run, _, context) => withOwnAddresses(run.state.outputs, run, context),
    }),
    text: t.string({ description: 'Streamed text of the output nodes so far.', resolve: ({ state }) => state.text }),
    progress: t.field({ type: Progress, resolve: ({ state }) => state.progress }),
    nodes: t.field({ type: [NodeRun], resolve: nodesOf }),
    files: t.field({
      type: [MessageFile],
      resolve: ({ state }) => state.files.map((file) => ({ file, place: placeOf(state) })),
    }),
  }),
});

function since(from: number, to: number | null): number | null {
  return to === null ? null : to - from;
}

function nodesOf(run: KeptRun) {
  return Array.from(run.state.nodes.values(), (node) => ({ node, run, maxPayloadBytes: PAYLOAD_BYTES }));
}
