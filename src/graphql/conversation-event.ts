import {
  followConversation,
  type ConversationEvent as Event,
  type ConversationPosition,
} from '../runs/conversation-events.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { existing } from './conversation.ts';
import { StreamOptions, wishes } from './follow.ts';
import { decodeCursor, encodeCursor, foreignCursor } from './paging.ts';
import { ChatRun } from './run.ts';
import { RunEvent } from './run-event.ts';

const ConversationEvent = builder.objectRef<Event>('ConversationEvent').implement({
  fields: (t) => ({
    cursor: t.string({
      description: 'Pass the last one as `after` to go on behind it.',
      resolve: ({ position: { since, runs } }) => encodeCursor([since, runs]),
    }),
    run: t.field({ type: ChatRun, resolve: ({ followed }) => followed.run }),
    event: t.field({ type: RunEvent, resolve: ({ followed }) => followed }),
  }),
});

builder.subscriptionField('conversationEvents', (t) =>
  t.field({
    type: ConversationEvent,
    description: [
      'Every run of a conversation, from whichever device it was started: of each, one RunAttached, what comes, RunFinished.',
      'It does not complete. Without `after` it begins with the runs that are under way; with it nothing that came since is',
      'missed, as long as it is kept.',
    ].join('\n'),
    args: {
      app: t.arg.id(),
      conversationId: t.arg.id({ required: true }),
      after: t.arg.string(),
      options: t.arg({ type: StreamOptions }),
    },
    subscribe: async (_, { app, conversationId, after, options }, context) => {
      const { dify, served } = appNamed(context, app);
      const id = existing(conversationId);
      const position = after == null ? null : positionAt(after);
      const source = sourceOf(served.name, id, context);
      // Whoever has runs of it knows it; others may have none that are kept.
      if ((await source.list()).length === 0)
        await dify.messages({ user: context.viewer, conversationId: id, limit: 1 });
      return followConversation(source, position, wishes(options));
    },
    resolve: (event) => event,
  }),
);

function sourceOf(app: string, conversationId: string, { runs }: Context) {
  return {
    list: async () =>
      (await runs.list()).filter(
        ({ state }) =>
          state.header.kind === 'CHAT' && state.header.app === app && state.conversationId === conversationId,
      ),
    onChange: (changed: () => void) => runs.onChange(changed),
  };
}

function positionAt(cursor: string): ConversationPosition {
  const [since, runs] = decodeCursor(cursor);
  if (typeof since === 'number' && Array.isArray(runs) && runs.every(isPlace)) return { since, runs };
  throw foreignCursor();
}

function isPlace(place: unknown): place is [id: string, seq: number] {
  return Array.isArray(place) && typeof place[0] === 'string' && typeof place[1] === 'number';
}
