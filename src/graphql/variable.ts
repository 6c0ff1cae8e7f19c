import type { Page } from '../dify/records.ts';
import type { VariableRecord } from '../dify/variables.ts';
import { GatewayError } from '../errors.ts';
import { requireCapability } from './app-capability.ts';
import { builder } from './builder.ts';
import { appNamed } from './context.ts';
import { Conversation, existing } from './conversation.ts';
import { isUuid } from './ids.ts';
import { connection, pageByTime, pageSize } from './paging.ts';
import { parsePython } from '../dify/python-literal.ts';
import { withoutSignedUrls } from './public-url.ts';
import { fromSeconds } from './scalars.ts';

const ConversationVariable = builder.objectRef<VariableRecord>('ConversationVariable').implement({
  description: 'What a chatflow remembers within a conversation.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    valueType: t.exposeString('valueType', {
      description: 'string, number, boolean, object, array[string] … as in Dify.',
    }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Of its type; as text where Dify tells it in a way that cannot be read.',
      resolve: (variable) => withoutSignedUrls(valueOf(variable)),
    }),
    description: t.exposeString('description', { nullable: true }),
    createdAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ createdAt }) => fromSeconds(createdAt) }),
    updatedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ updatedAt }) => fromSeconds(updatedAt) }),
  }),
});

const ConversationVariableConnection = builder.connectionObject(
  { type: ConversationVariable, name: 'ConversationVariableConnection' },
  { name: 'ConversationVariableEdge' },
);

builder.objectFields(Conversation, (t) => ({
  variables: t.field({
    type: ConversationVariableConnection,
    description:
      'What it remembers, oldest first: chatflow apps, from Dify 1.4 on. A page edge never loses or repeats one.',
    args: { first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
    resolve: async ({ app, id: conversationId }, { first, after }, context) => {
      const { dify } = appNamed(context, app);
      const user = context.viewer;
      await requireCapability(dify, 'variables');
      const { edges, more } = await pageByTime<VariableRecord>(
        {
          fetch: (lastId, limit) => beyond(lastId, (at) => dify.variables.list({ user, conversationId, limit, ...at })),
          id: ({ id }) => id,
          second: ({ createdAt }) => createdAt ?? 0,
          newestFirst: false,
        },
        pageSize('first', first, 20),
        after,
      );
      return connection(edges, more, after != null);
    },
  }),
}));

builder.mutationField('setConversationVariable', (t) =>
  t.field({
    type: ConversationVariable,
    description: 'Change what a chatflow remembers: from Dify 1.7.2 on.',
    args: {
      app: t.arg.id(),
      conversationId: t.arg.id({ required: true }),
      variableId: t.arg.id({ required: true }),
      value: t.arg({ type: 'JSON', required: true, description: 'Of the variable’s type.' }),
    },
    resolve: async (_, { app, conversationId, variableId, value }, context) => {
      const { dify } = appNamed(context, app);
      const change = { user: context.viewer, conversationId: existing(conversationId), variableId, value };
      if (!isUuid(variableId)) throw new GatewayError('NOT_FOUND', 'This conversation has no such variable.');
      await requireCapability(dify, 'variableUpdate');
      return dify.variables.set(change).catch((error: unknown) => {
        // The value is not of the variable's type.
        if (!(error instanceof GatewayError) || error.difyCode !== 'bad_request') throw error;
        throw new GatewayError('BAD_USER_INPUT', error.message, { cause: error });
      });
    },
  }),
);

/** Dify says `invalid_param`, and not more, of an item to go on from that is gone (§1.20). */
async function beyond(
  lastId: string | null,
  list: (at: { readonly lastId?: string }) => Promise<Page<VariableRecord>>,
): Promise<Page<VariableRecord>> {
  if (lastId === null) return list({});
  return list({ lastId }).catch((error: unknown) => {
    const isGone = error instanceof GatewayError && error.difyCode === 'invalid_param';
    throw isGone ? new GatewayError('NOT_FOUND', 'This conversation has no such variable.', { cause: error }) : error;
  });
}

/** Dify tells every value as text (§1.20). */
function valueOf({ value, valueType }: VariableRecord): unknown {
  if (value === null || valueType === 'string' || valueType === 'secret') return value;
  const parsed = parsePython(value);
  return parsed === undefined || (typeof parsed === 'number' && !isExact(parsed)) ? value : parsed;
}

/** An integer that JavaScript cannot hold stays text. */
function isExact(value: number): boolean {
  return Number.isSafeInteger(value) || !Number.isInteger(value);
}
