import type { Question } from '../runs/question.ts';
import {
  answered,
  FileInput,
  referencesOf,
  checkedInputs,
  checkedKey,
  onDisconnectArgument,
  waitMsArgument,
  type Answered,
} from './ask.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { streamed, StreamOptions } from './follow.ts';
import { Usage } from './message.ts';
import { withOwnAddresses } from './output-files.ts';
import { RunStatus, WorkflowRun } from './run.ts';
import { RunEvent } from './run-event.ts';

const RunWorkflowInput = builder.inputType('RunWorkflowInput', {
  fields: (t) => ({
    app: t.id({ description: 'Configured name; the default app when left out.' }),
    inputs: t.field({ type: 'JSON', required: true, description: 'Values of the app’s input form: an object.' }),
    files: t.field({ type: [FileInput] }),
    workflowId: t.id({ description: 'A published version to run instead of the newest.' }),
    idempotencyKey: t.id({ description: 'As in ChatInput.' }),
    waitMs: t.int(waitMsArgument),
    onDisconnect: t.field(onDisconnectArgument),
  }),
});

const RunWorkflowPayload = builder.objectRef<Answered>('RunWorkflowPayload').implement({
  fields: (t) => ({
    run: t.field({ type: WorkflowRun, resolve: ({ run }) => run }),
    deduplicated: t.exposeBoolean('deduplicated', {
      description: 'True if the idempotency key matched an earlier call.',
    }),
    complete: t.exposeBoolean('complete', {
      description: 'False if `waitMs` passed first, or the run is PAUSED: it waits for a person.',
    }),
    status: t.field({ type: RunStatus, resolve: ({ run }) => run.state.status }),
    outputs: t.field({
      type: 'JSON',
      nullable: true,
      resolve: ({ run }, _, context) => withOwnAddresses(run.state.outputs, run, context),
    }),
    usage: t.field({ type: Usage, nullable: true, resolve: ({ run }) => run.state.usage }),
  }),
});

builder.mutationField('runWorkflow', (t) =>
  t.field({
    type: RunWorkflowPayload,
    description: 'Run a Workflow app and wait for its end, `waitMs` at most, or until it asks a person.',
    args: { input: t.arg({ type: RunWorkflowInput, required: true }) },
    resolve: (_, { input }, context) => answered(order(input, 'optional', context), input.waitMs, context),
  }),
);

builder.subscriptionField('workflowStream', (t) =>
  t.field({
    type: RunEvent,
    description:
      'Run a Workflow app and follow it in one operation; `input.idempotencyKey` is required, as in chatStream.',
    args: {
      input: t.arg({ type: RunWorkflowInput, required: true }),
      after: t.arg.int(),
      options: t.arg({ type: StreamOptions }),
    },
    subscribe: async (_, { input, ...args }, context) => streamed(order(input, 'required', context), args, context),
    resolve: (followed) => followed,
  }),
);

function order(input: typeof RunWorkflowInput.$inferInput, key: 'required' | 'optional', context: Context): Question {
  return {
    kind: 'WORKFLOW',
    app: appNamed(context, input.app).served.name,
    query: null,
    inputs: checkedInputs(input.inputs),
    conversationId: null,
    files: referencesOf(input.files),
    workflowId: input.workflowId ?? null,
    autoName: false,
    onDisconnect: input.onDisconnect ?? 'CONTINUE',
    onBusy: 'REJECT',
    idempotencyKey: checkedKey(input.idempotencyKey, key),
  };
}
