import type { Question } from '../runs/question.ts';
import {
  answered,
  checkedInputs,
  checkedKey,
  FileInput,
  referencesOf,
  onDisconnectArgument,
  waitMsArgument,
} from './ask.ts';
import { builder } from './builder.ts';
import { ChatPayload } from './chat.ts';
import { appNamed, type Context } from './context.ts';
import { streamed, StreamOptions } from './follow.ts';
import { RunEvent } from './run-event.ts';

const CompleteInput = builder.inputType('CompleteInput', {
  fields: (t) => ({
    app: t.id({ description: 'Configured name; the default app when left out.' }),
    inputs: t.field({ type: 'JSON', required: true, description: 'Values of the app’s input form: an object.' }),
    files: t.field({ type: [FileInput] }),
    idempotencyKey: t.id({ description: 'As in ChatInput.' }),
    waitMs: t.int(waitMsArgument),
    onDisconnect: t.field(onDisconnectArgument),
  }),
});

builder.mutationField('complete', (t) =>
  t.field({
    type: ChatPayload,
    description: 'Run a Text Generator app and wait for its text, `waitMs` at most.',
    args: { input: t.arg({ type: CompleteInput, required: true }) },
    resolve: (_, { input }, context) => answered(order(input, 'optional', context), input.waitMs, context),
  }),
);

builder.subscriptionField('completionStream', (t) =>
  t.field({
    type: RunEvent,
    description: 'Run a Text Generator app and stream its text; `input.idempotencyKey` is required, as in chatStream.',
    args: {
      input: t.arg({ type: CompleteInput, required: true }),
      after: t.arg.int(),
      options: t.arg({ type: StreamOptions }),
    },
    subscribe: async (_, { input, ...args }, context) => streamed(order(input, 'required', context), args, context),
    resolve: (followed) => followed,
  }),
);

function order(input: typeof CompleteInput.$inferInput, key: 'required' | 'optional', context: Context): Question {
  return {
    kind: 'COMPLETION',
    app: appNamed(context, input.app).served.name,
    query: null,
    inputs: checkedInputs(input.inputs),
    conversationId: null,
    files: referencesOf(input.files),
    workflowId: null,
    autoName: false,
    onDisconnect: input.onDisconnect ?? 'CONTINUE',
    onBusy: 'REJECT',
    idempotencyKey: checkedKey(input.idempotencyKey, key),
  };
}
