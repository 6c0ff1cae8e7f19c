import type { Question } from '../runs/runs.ts';
import { checkedInputs, checkedKey, checkedWait, FileInput, referencesOf, waitMsArgument } from './ask.ts';
import { builder } from './builder.ts';
import { ChatPayload } from './chat.ts';
import { appNamed, type Context } from './context.ts';
import { followRun, StreamOptions } from './follow.ts';
import { RunEvent } from './run-event.ts';

const CompleteInput = builder.inputType('CompleteInput', {
  fields: (t) => ({
    app: t.id({ description: 'Configured name; the default app when left out.' }),
    inputs: t.field({ type: 'JSON', required: true, description: 'Values of the app’s input form: an object.' }),
    files: t.field({ type: [FileInput] }),
    idempotencyKey: t.id({ description: 'As in ChatInput.' }),
    waitMs: t.int(waitMsArgument),
  }),
});

builder.mutationField('complete', (t) =>
  t.field({
    type: ChatPayload,
    description: 'Run a Text Generator app and wait for its text, `waitMs` at most.',
    args: { input: t.arg({ type: CompleteInput, required: true }) },
    resolve: async (_, { input }, context) => {
      const waitMs = checkedWait('input.waitMs', input.waitMs, 55_000);
      const { run, deduplicated } = await context.runs.start(context.viewer, order(input, 'optional', context));
      return { run, deduplicated, complete: await context.runs.ended(run, waitMs, context.signal) };
    },
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
    subscribe: async (_, { input, ...args }, context) => {
      const { run } = await context.runs.start(context.viewer, order(input, 'required', context));
      return followRun(run, args);
    },
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
    idempotencyKey: checkedKey(input.idempotencyKey, key),
  };
}
