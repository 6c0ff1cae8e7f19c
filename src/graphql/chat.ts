import { GatewayError } from '../errors.ts';
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
import { existing } from './conversation.ts';
import { streamed, StreamOptions } from './follow.ts';
import { Message, messageOf, Usage } from './message.ts';
import { ChatRun } from './run.ts';
import { RunEvent } from './run-event.ts';

const BusyPolicy = builder.enumType('BusyPolicy', {
  values: {
    REJECT: { description: 'The question is refused with CONVERSATION_BUSY.' },
    QUEUE: { description: 'It waits for its turn; `RunQueued` tells how many come first.' },
    INTERRUPT: { description: 'What the conversation is answering, and what waits, is stopped; then it is asked.' },
  } as const,
});

const ChatInput = builder.inputType('ChatInput', {
  fields: (t) => ({
    app: t.id({ description: 'Configured name; the default app when left out.' }),
    query: t.string({ required: true, description: 'The question.' }),
    conversationId: t.id({ description: 'Leave out to start a conversation.' }),
    inputs: t.field({ type: 'JSON', description: 'Values of the app’s input form: an object.' }),
    files: t.field({ type: [FileInput] }),
    workflowId: t.id({ description: 'Chatflow apps: a published version to run instead of the newest.' }),
    idempotencyKey: t.id({
      description: [
        'The client’s own unique name for this question (a UUID). The same key with the same content returns the first run',
        'for as long as it is kept; with other content it is IDEMPOTENCY_CONFLICT.',
      ].join('\n'),
    }),
    waitMs: t.int(waitMsArgument),
    onBusy: t.field({
      type: BusyPolicy,
      defaultValue: 'REJECT',
      description: 'What to do when this conversation is answering already.',
    }),
    onDisconnect: t.field(onDisconnectArgument),
    autoGenerateName: t.boolean({
      defaultValue: true,
      description: 'Let Dify name a new conversation, once it has been answered.',
    }),
  }),
});

export const ChatPayload = builder.objectRef<Answered>('ChatPayload').implement({
  description: 'The usual answer, flat; everything else hangs on `run`.',
  fields: (t) => ({
    run: t.field({ type: ChatRun, resolve: ({ run }) => run }),
    deduplicated: t.exposeBoolean('deduplicated', {
      description: 'True if the idempotency key matched an earlier call.',
    }),
    complete: t.exposeBoolean('complete', {
      description: 'False if `waitMs` passed first, or the run is PAUSED: it waits for a person.',
    }),
    answer: t.string({ resolve: ({ run }) => run.state.text }),
    reasoning: t.string({ nullable: true, resolve: ({ run }) => run.state.reasoning || null }),
    conversationId: t.id({ nullable: true, resolve: ({ run }) => run.state.conversationId }),
    messageId: t.id({ nullable: true, resolve: ({ run }) => run.state.messageId }),
    message: t.field({ type: Message, nullable: true, resolve: ({ run }) => messageOf(run) }),
    usage: t.field({ type: Usage, nullable: true, resolve: ({ run }) => run.state.usage }),
  }),
});

builder.mutationField('chat', (t) =>
  t.field({
    type: ChatPayload,
    description: [
      'Ask an app and wait for the answer. If it is not complete after `waitMs`, or when a person is asked first, the call still',
      'succeeds, with `complete: false` and a live `run` to follow: it never becomes a 504.',
    ].join('\n'),
    args: { input: t.arg({ type: ChatInput, required: true }) },
    resolve: (_, { input }, context) => answered(question(input, 'optional', context), input.waitMs, context),
  }),
);

builder.subscriptionField('chatStream', (t) =>
  t.field({
    type: RunEvent,
    description: [
      'Ask and stream in one operation. `input.idempotencyKey` is required: it makes a re-subscription attach to the',
      'first run instead of asking, and paying, again.',
    ].join('\n'),
    args: {
      input: t.arg({ type: ChatInput, required: true }),
      after: t.arg.int(),
      options: t.arg({ type: StreamOptions }),
    },
    subscribe: async (_, { input, ...args }, context) => streamed(question(input, 'required', context), args, context),
    resolve: (followed) => followed,
  }),
);

function question(input: typeof ChatInput.$inferInput, key: 'required' | 'optional', context: Context): Question {
  if (input.query.trim() === '') throw new GatewayError('BAD_USER_INPUT', '`input.query` must not be blank.');
  return {
    kind: 'CHAT',
    app: appNamed(context, input.app).served.name,
    query: input.query,
    inputs: checkedInputs(input.inputs),
    conversationId: input.conversationId == null ? null : existing(input.conversationId),
    files: referencesOf(input.files),
    workflowId: input.workflowId ?? null,
    autoName: input.autoGenerateName ?? true,
    onDisconnect: input.onDisconnect ?? 'CONTINUE',
    onBusy: input.onBusy ?? 'REJECT',
    idempotencyKey: checkedKey(input.idempotencyKey, key),
  };
}
