import type { FeedbackRecord } from '../dify/feedback.ts';
import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import { appNamed, requireAdmin, type Context } from './context.ts';
import { isUuid } from './ids.ts';
import { Message } from './message.ts';
import { LAST_PAGE, pageByNumber } from './numbered-list.ts';
import { connection, pageSize } from './paging.ts';
import { fromSeconds } from './scalars.ts';

const Rating = builder.enumType('Rating', {
  values: { LIKE: { value: 'like' }, DISLIKE: { value: 'dislike' } } as const,
});

type Rated = (typeof Rating)['$inferType'];

const RateMessagePayload = builder
  .objectRef<{ readonly messageId: string; readonly rating: Rated | null }>('RateMessagePayload')
  .implement({
    fields: (t) => ({
      messageId: t.exposeID('messageId'),
      rating: t.expose('rating', { type: Rating, nullable: true }),
    }),
  });

const Feedback = builder.objectRef<FeedbackRecord>('Feedback').implement({
  description: 'What somebody thinks of an answer.',
  fields: (t) => ({
    id: t.exposeID('id'),
    conversationId: t.exposeID('conversationId', { nullable: true }),
    messageId: t.exposeID('messageId', { nullable: true }),
    rating: t.field({ type: Rating, nullable: true, resolve: ({ rating }) => ratingOf(rating) }),
    comment: t.exposeString('content', { nullable: true }),
    source: t.exposeString('fromSource', {
      nullable: true,
      description: 'user: through the API or the web app; admin: a member of the workspace.',
    }),
    endUserId: t.exposeID('endUserId', { nullable: true, description: 'Dify’s id of who it was: see Query.endUser.' }),
    createdAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ createdAt }) => fromSeconds(createdAt),
    }),
    updatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ updatedAt }) => fromSeconds(updatedAt),
    }),
  }),
});

const FeedbackConnection = builder.connectionObject(
  { type: Feedback, name: 'FeedbackConnection' },
  { name: 'FeedbackEdge' },
);

builder.objectFields(Message, (t) => ({
  rating: t.field({
    type: Rating,
    nullable: true,
    description: 'Yours. Of a message behind a run it is asked from Dify when selected.',
    resolve: async (message, _, context) =>
      ratingOf(message.rating === undefined ? await storedRating(message, context) : message.rating),
  }),
  suggestedQuestions: t.field({
    type: ['String'],
    nullable: true,
    description:
      'What could be asked next. Runs a model whenever it is selected: defer it in lists. Null if the app does not suggest any, the answer is not complete, or Dify fails at it.',
    resolve: (message, _, context) => suggestedFor(message, context),
  }),
}));

builder.queryField('feedbacks', (t) =>
  t.field({
    type: FeedbackConnection,
    description: 'What all users of an app think of its answers, newest first; needs the scope `admin`.',
    args: { app: t.arg.id(), first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
    resolve: async (_, { app, first, after }, context) => {
      requireAdmin(context);
      const { feedback } = appNamed(context, app).dify;
      const fetch = async (page: number, limit: number) => {
        const found = await feedback.list({ page, limit });
        if (!found.hasMore || page * limit >= LAST_PAGE) return found;
        // A full page may be the last: only the item after it tells.
        const next = await feedback.list({ page: page * limit + 1, limit: 1 });
        return { items: found.items, hasMore: next.items.length > 0 };
      };
      const size = pageSize('first', first, 20);
      const { edges, more } = await pageByNumber<FeedbackRecord>({ fetch, id: ({ id }) => id }, size, after);
      return connection(edges, more, after != null);
    },
  }),
);

builder.mutationField('rateMessage', (t) =>
  t.field({
    type: RateMessagePayload,
    description:
      'Say what you think of an answer. It replaces what you said before, the comment included; without a `rating` it is taken back.',
    args: {
      app: t.arg.id(),
      messageId: t.arg.id({ required: true }),
      rating: t.arg({ type: Rating }),
      comment: t.arg.string(),
    },
    resolve: async (_, { app, messageId, rating = null, comment }, context) => {
      const { dify } = appNamed(context, app);
      if (!isUuid(messageId)) throw new GatewayError('NOT_FOUND', 'There is no such message, or it is not yours.');
      const rated = { user: context.viewer, messageId, rating, ...(comment == null ? {} : { content: comment }) };
      await dify.feedback.rate(rated).catch((error: unknown) => {
        // There was nothing to take back.
        if (rating !== null || !(error instanceof GatewayError) || error.difyCode !== 'invalid_param') throw error;
      });
      return { messageId, rating };
    },
  }),
);

function ratingOf(rating: string | null): Rated | null {
  return rating === 'like' || rating === 'dislike' ? rating : null;
}

type View = (typeof Message)['$inferType'];

/** How far back a message is looked for that a run tells of: they are new as a rule. */
const RECENT = 100;

async function storedRating({ app, id, conversationId }: View, context: Context): Promise<string | null> {
  if (conversationId === null) return null;
  try {
    const page = { user: context.viewer, conversationId, limit: RECENT };
    const { items } = await appNamed(context, app).dify.messages(page);
    return items.find((message) => message.id === id)?.rating ?? null;
  } catch (error) {
    context.logger.warn({ err: error, app }, 'Dify did not tell the rating of a message');
    return null;
  }
}

async function suggestedFor({ app, id, answered }: View, context: Context): Promise<string[] | null> {
  if (!answered) return null;
  const { dify } = appNamed(context, app);
  try {
    const { features } = await dify.parameters();
    if (!features.suggestedQuestionsAfterAnswer) return null;
    return [...(await dify.feedback.suggested({ user: context.viewer, messageId: id }))];
  } catch (error) {
    context.logger.warn({ err: error, app }, 'Dify did not suggest questions');
    return null;
  }
}
