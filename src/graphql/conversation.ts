import { GatewayError } from '../errors.ts';
import type { ConversationRecord } from '../dify/records.ts';
import { App } from './app.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { isUuid } from './ids.ts';
import { historyOf, MessageConnection } from './message.ts';
import { connection, pageByTime, pageSize, type Connection } from './paging.ts';
import { withoutSignedUrls } from './public-url.ts';
import { ChatRun } from './run.ts';
import { fromSeconds } from './scalars.ts';

export const ConversationSort = builder.enumType('ConversationSort', {
  values: {
    CREATED_AT_ASC: { value: 'created_at' },
    CREATED_AT_DESC: { value: '-created_at' },
    UPDATED_AT_ASC: { value: 'updated_at' },
    UPDATED_AT_DESC: { value: '-updated_at' },
  } as const,
});

/** A conversation of the viewer's. Dify has no call for a single one: what is not in `record` is looked for in its list. */
interface ConversationRef {
  readonly id: string;
  readonly app: string;
  readonly record: () => Promise<ConversationRecord | null>;
}

export const Conversation = builder.objectRef<ConversationRef>('Conversation');
Conversation.implement({
  description: 'A conversation of yours with an app.',
  fields: (t) => ({
    id: t.exposeID('id'),
    app: t.field({ type: App, resolve: ({ app }) => ({ name: app }) }),
    name: t.string({ nullable: true, resolve: async (conversation) => (await conversation.record())?.name }),
    status: t.string({ nullable: true, resolve: async (conversation) => (await conversation.record())?.status }),
    introduction: t.string({
      nullable: true,
      description: 'The app’s opening words.',
      resolve: async (conversation) => (await conversation.record())?.introduction,
    }),
    inputs: t.field({
      type: 'JSON',
      nullable: true,
      resolve: async (conversation) => withoutSignedUrls((await conversation.record())?.inputs ?? null),
    }),
    createdAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: async (conversation) => fromSeconds((await conversation.record())?.createdAt ?? null),
    }),
    updatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: async (conversation) => fromSeconds((await conversation.record())?.updatedAt ?? null),
    }),
    activeRun: t.field({
      type: ChatRun,
      nullable: true,
      description: 'The run that answers now, or waits first, if any: after a page load, attach to it.',
      resolve: ({ app, id }, _, { runs }) => runs.answering(app, id),
    }),
    history: t.field({
      type: MessageConnection,
      description: 'Its messages, as in `Query.conversationHistory`.',
      args: { last: t.arg.int({ defaultValue: 20 }), before: t.arg.string() },
      resolve: ({ app, id }, args, context) => historyOf(app, id, args, context),
    }),
  }),
});

export const ConversationConnection = builder.connectionObject(
  { type: Conversation, name: 'ConversationConnection' },
  { name: 'ConversationEdge' },
);

builder.queryFields((t) => ({
  conversations: t.field({
    type: ConversationConnection,
    description:
      'Your conversations with an app, most recently active first (or as `sortBy` says). A page edge never loses or repeats one.',
    args: { app: t.arg.id(), first: t.arg.int(), after: t.arg.string(), sortBy: t.arg({ type: ConversationSort }) },
    resolve: (_, { app, ...args }, context) => conversationsOf(appNamed(context, app).served.name, args, context),
  }),
  conversation: t.field({
    type: Conversation,
    nullable: true,
    description: 'One conversation; null when there is none of that id, or it is not yours.',
    args: { app: t.arg.id(), id: t.arg.id({ required: true }) },
    resolve: async (_, { app, id }, context) => {
      const { dify, served } = appNamed(context, app);
      if (!isUuid(id)) return null;
      const owned = await dify
        .messages({ user: context.viewer, conversationId: id, limit: 1 })
        .then(() => true, orNotFound(false));
      return owned ? { id, app: served.name, record: once(() => lookUp(served.name, id, context)) } : null;
    },
  }),
}));

builder.mutationFields((t) => ({
  renameConversation: t.field({
    type: Conversation,
    description: 'Set a name, or have Dify make one when `name` is null.',
    args: { app: t.arg.id(), conversationId: t.arg.id({ required: true }), name: t.arg.string() },
    resolve: async (_, { app, conversationId, name }, context) => {
      const { dify, served } = appNamed(context, app);
      if (name?.trim() === '')
        throw new GatewayError('BAD_USER_INPUT', '`name` must not be blank; leave it out to have one made.');
      const id = existing(conversationId);
      const record = await dify.renameConversation({ user: context.viewer, conversationId: id, name: name ?? null });
      return ofRecord(served.name, record);
    },
  }),
  deleteConversation: t.field({
    type: 'ID',
    description: 'Returns the id of what was deleted, for cache eviction.',
    args: { app: t.arg.id(), conversationId: t.arg.id({ required: true }) },
    resolve: async (_, { app, conversationId }, context) => {
      await appNamed(context, app).dify.deleteConversation({
        user: context.viewer,
        conversationId: existing(conversationId),
      });
      return conversationId;
    },
  }),
}));

interface ConversationsArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly sortBy?: (typeof ConversationSort)['$inferType'] | null | undefined;
}

/** A page of the viewer's conversations with an app. */
export async function conversationsOf(
  app: string,
  args: ConversationsArgs,
  context: Context,
): Promise<Connection<ConversationRef>> {
  const { dify } = appNamed(context, app);
  const sortBy = args.sortBy ?? '-updated_at';
  const byUpdate = sortBy.endsWith('updated_at');
  const { edges, more } = await pageByTime<ConversationRecord>(
    {
      fetch: (lastId, limit) =>
        dify.conversations({ user: context.viewer, limit, sortBy, ...(lastId === null ? {} : { lastId }) }),
      id: (record) => record.id,
      second: (record) => (byUpdate ? (record.updatedAt ?? record.createdAt) : record.createdAt) ?? 0,
      newestFirst: sortBy.startsWith('-'),
    },
    pageSize('first', args.first, 20),
    args.after,
  );
  const own = edges.map(({ cursor, node }) => ({ cursor, node: ofRecord(app, node) }));
  return connection(own, more, args.after != null);
}

function ofRecord(app: string, record: ConversationRecord): ConversationRef {
  return { id: record.id, app, record: async () => record };
}

/** Looks through the viewer's most recently active thousand, in pages of the largest size that takes one request each. */
async function lookUp(app: string, id: string, context: Context): Promise<ConversationRecord | null> {
  let after: string | null = null;
  for (let page = 0; page < 10; page += 1) {
    const { edges, pageInfo }: Connection<ConversationRef> = await conversationsOf(app, { first: 99, after }, context);
    const found = edges.find(({ node }) => node.id === id);
    if (found) return found.node.record();
    if (!pageInfo.hasNextPage) return null;
    after = pageInfo.endCursor;
  }
  return null;
}

export function existing(conversationId: string): string {
  if (isUuid(conversationId)) return conversationId;
  throw new GatewayError('NOT_FOUND', 'There is no such conversation, or it is not yours.');
}

function orNotFound<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof GatewayError && error.code === 'NOT_FOUND') return value;
    throw error;
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
