import type { DifyApp } from '../dify/dify-app.ts';
import type { AppInfo } from '../dify/records.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { ConversationConnection, ConversationSort, conversationsOf } from './conversation.ts';

const AppMode = builder.enumType('AppMode', {
  description: 'What kind of app it is, as Dify says; UNKNOWN when Dify cannot be asked now, or says something new.',
  values: ['CHAT', 'AGENT_CHAT', 'ADVANCED_CHAT', 'AGENT', 'WORKFLOW', 'COMPLETION', 'UNKNOWN'] as const,
});

/** An app by its configured name. */
export const App = builder.objectRef<{ readonly name: string }>('App');
App.implement({
  description: 'A Dify app that is served here.',
  fields: (t) => ({
    name: t.id({ description: 'Configured name, as used in `app` arguments.', resolve: (app) => app.name }),
    title: t.string({
      description: 'Its name in Dify; the configured one while Dify cannot be asked.',
      resolve: async (app, _, context) => (await info(app, context))?.name ?? app.name,
    }),
    description: t.string({
      nullable: true,
      description: 'As configured, otherwise as in Dify.',
      resolve: async (app, _, context) =>
        appNamed(context, app.name).served.description ?? ((await info(app, context))?.description || null),
    }),
    mode: t.field({ type: AppMode, resolve: async (app, _, context) => modeOf(await info(app, context)) }),
    tags: t.stringList({ resolve: async (app, _, context) => (await info(app, context))?.tags ?? [] }),
    isDefault: t.boolean({
      description: 'Meant where no app is named.',
      resolve: (app, _, context) => app.name === context.defaultApp,
    }),
    openingStatement: t.string({
      nullable: true,
      description: 'What it says before it is asked.',
      resolve: async (app, _, context) =>
        (await toldBy(app, context, (dify) => dify.parameters()))?.openingStatement ?? null,
    }),
    suggestedQuestions: t.stringList({
      description: 'What could be asked first.',
      resolve: async (app, _, context) => [
        ...((await toldBy(app, context, (dify) => dify.parameters()))?.suggestedQuestions ?? []),
      ],
    }),
    conversations: t.field({
      type: ConversationConnection,
      args: { first: t.arg.int(), after: t.arg.string(), sortBy: t.arg({ type: ConversationSort }) },
      resolve: (app, args, context) => conversationsOf(app.name, args, context),
    }),
  }),
});

builder.queryFields((t) => ({
  apps: t.field({
    type: [App],
    description: 'The Dify apps you may use, in configured order.',
    resolve: (_, __, context) => context.apps,
  }),
  app: t.field({
    type: App,
    nullable: true,
    description: 'One app; the default one when no name is given, null when none has that name.',
    args: { name: t.arg.id() },
    resolve: (_, { name }, context) => context.apps.find((app) => app.name === (name ?? context.defaultApp)),
  }),
}));

function info(app: { readonly name: string }, context: Context): Promise<AppInfo | null> {
  return toldBy(app, context, (dify) => dify.info());
}

/** What Dify says of an app, or null: a list of apps is no place to fail because one of them cannot be asked. */
export async function toldBy<T>(
  { name }: { readonly name: string },
  context: Context,
  ask: (dify: DifyApp) => Promise<T>,
): Promise<T | null> {
  try {
    return await ask(appNamed(context, name).dify);
  } catch (error) {
    context.logger.warn({ err: error, app: name }, 'Dify did not describe the app');
    return null;
  }
}

const modes = {
  chat: 'CHAT',
  'agent-chat': 'AGENT_CHAT',
  'advanced-chat': 'ADVANCED_CHAT',
  agent: 'AGENT',
  workflow: 'WORKFLOW',
  completion: 'COMPLETION',
} as const;

function modeOf(known: AppInfo | null): (typeof modes)[keyof typeof modes] | 'UNKNOWN' {
  return known && known.mode in modes ? modes[known.mode as keyof typeof modes] : 'UNKNOWN';
}
