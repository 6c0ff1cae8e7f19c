import type { DifyApp } from '../dify/dify-app.ts';
import { capabilities, type Capabilities } from '../dify/quirks.ts';
import { GatewayError } from '../errors.ts';
import { App } from './app.ts';
import { builder } from './builder.ts';
import { appNamed } from './context.ts';

/** What can be asked for; what a version merely does wrong is dealt with here, and nobody’s business. */
const positive = {
  ANNOTATIONS: { value: 'annotations', description: 'Annotations, from Dify 1.2 on.' },
  SITE: { value: 'site', description: '`App.site`, from 1.4 on.' },
  FEEDBACKS: { value: 'appFeedbacks', description: '`Query.feedbacks`, from 1.4 on.' },
  CONVERSATION_VARIABLES: { value: 'variables', description: '`Conversation.variables`, from 1.4 on.' },
  LOG_FILTERS: { value: 'logFilters', description: 'Logs by user and time, from 1.5 on.' },
  FILE_PREVIEW: { value: 'filePreview', description: 'Files can be read again, from 1.7.2 on.' },
  SET_CONVERSATION_VARIABLE: {
    value: 'variableUpdate',
    description: '`Mutation.setConversationVariable`, from 1.7.2 on.',
  },
  PINNED_WORKFLOW: { value: 'pinnedWorkflow', description: '`workflowId` of a question, from 1.7.2 on.' },
  END_USERS: { value: 'endUsers', description: '`Query.endUser`, from 1.13 on.' },
  HUMAN_INPUT: { value: 'humanInput', description: 'Runs can wait for a person, from 1.14 on.' },
  RESUME_STREAM: { value: 'resumeStream', description: 'A broken stream of a graph can be taken up, from 1.14 on.' },
  SEPARATED_REASONING: { value: 'separatedReasoning', description: 'Reasoning comes by itself, from 1.15 on.' },
  NEW_AGENT: { value: 'newAgent', description: 'Apps of the mode AGENT, from 1.16 on.' },
  MESSAGE_USAGE: { value: 'messageUsage', description: '`Message.usage` of stored messages, from 1.16 on.' },
} as const satisfies Readonly<Record<string, { value: keyof Capabilities; description: string }>>;

const AppCapability = builder.enumType('AppCapability', {
  description: 'What the version of Dify behind an app can do. Members may be added.',
  values: positive,
});

builder.objectFields(App, (t) => ({
  serverVersion: t.string({
    nullable: true,
    description: 'Of the Dify behind it, such as 1.12.1; null while it is not known.',
    resolve: ({ name }, _, context) => appNamed(context, name).dify.version(),
  }),
  capabilities: t.field({
    type: [AppCapability],
    description: 'By the version of Dify; of one that is not known, all.',
    resolve: async ({ name }, _, context) => {
      const able = capabilities(await appNamed(context, name).dify.version());
      return Object.values(positive).flatMap(({ value }) => (able[value] ? [value] : []));
    },
  }),
}));

/** For operations that an older Dify does not have: what it answers then looks as if only the id were unknown. */
export async function requireCapability(dify: DifyApp, name: keyof Capabilities): Promise<void> {
  const version = await dify.version();
  if (capabilities(version)[name]) return;
  throw new GatewayError('UPSTREAM_PROTOCOL', `Dify ${version} does not know this operation: it is older`);
}
