import type { MessageRecord } from '../dify/records.ts';
import { agentStep } from '../runs/agent-steps.ts';
import { splitReasoning } from '../runs/reasoning.ts';
import { runFile } from '../runs/run-file.ts';
import { usageOf } from '../runs/usage.ts';
import type { AgentStep as Step, Citation as Passage, Usage as UsageFigures } from '../runs/run-event.ts';
import { askedFile } from '../runs/run-file.ts';
import type { KeptRun } from '../runs/run-log.ts';
import { isEnded } from '../runs/run-state.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { existing } from './conversation.ts';
import { MessageFile, type ShownFile } from './file.ts';
import { placeOf, withOwnTexts } from './output-files.ts';
import { connection, pageByTime, pageSize, type Connection } from './paging.ts';
import { withoutSignedUrls } from './public-url.ts';
import { ChatRun } from './run.ts';
import { fromSeconds } from './scalars.ts';

/** A turn, whether Dify stored it or a run is producing it. Times are epoch milliseconds. */
interface MessageView {
  readonly app: string;
  readonly id: string;
  readonly conversationId: string | null;
  readonly parentMessageId: string | null;
  readonly query: string;
  readonly answer: string;
  readonly reasoning: string | null;
  readonly rawAnswer: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly error: string | null;
  readonly createdAt: number;
  readonly files: readonly ShownFile[];
  readonly citations: readonly Passage[];
  readonly agentSteps: readonly Step[];
  readonly usage: UsageFigures | null;
  /** The viewer's; undefined where only Dify's record would tell. */
  readonly rating: string | null | undefined;
  /** False while the answer is still being given. */
  readonly answered: boolean;
}

const Citation = builder.objectRef<Passage>('Citation').implement({
  description: 'A passage of a knowledge base that the answer rests on.',
  fields: (t) => ({
    position: t.exposeInt('position'),
    datasetId: t.exposeID('datasetId', { nullable: true }),
    datasetName: t.exposeString('datasetName', { nullable: true }),
    documentId: t.exposeID('documentId', { nullable: true }),
    documentName: t.exposeString('documentName', { nullable: true }),
    segmentId: t.exposeID('segmentId', { nullable: true }),
    score: t.exposeFloat('score', { nullable: true }),
    content: t.exposeString('content', { nullable: true }),
  }),
});

export const AgentStep = builder.objectRef<Step>('AgentStep').implement({
  description: 'One step of an agent: what it thought, which tool it called, what came of it.',
  fields: (t) => ({
    id: t.exposeID('id'),
    position: t.exposeInt('position', { description: 'From 1.' }),
    thought: t.exposeString('thought', { nullable: true }),
    tool: t.exposeString('tool', { nullable: true, description: 'Several names are joined with `;`.' }),
    toolLabels: t.expose('toolLabels', { type: 'JSON', description: 'Tool → its name by language, where Dify tells.' }),
    toolInput: t.expose('toolInput', { type: 'JSON', nullable: true }),
    observation: t.exposeString('observation', { nullable: true, description: 'What the tool answered.' }),
    files: t.field({
      type: ['ID'],
      description: 'Ids of the files that it produced.',
      resolve: ({ files }) => [...files],
    }),
  }),
});

export const Message = builder.objectRef<MessageView>('Message');
Message.implement({
  description: 'One turn: what the user asked and what the app answered.',
  fields: (t) => ({
    id: t.exposeID('id'),
    conversationId: t.exposeID('conversationId', { nullable: true }),
    parentMessageId: t.exposeID('parentMessageId', { nullable: true }),
    query: t.exposeString('query'),
    answer: t.exposeString('answer', { description: 'The answer without its reasoning.' }),
    reasoning: t.exposeString('reasoning', {
      nullable: true,
      description: 'What a thinking model thought, from <think> tags or reasoning events.',
    }),
    rawAnswer: t.exposeString('rawAnswer', {
      description: 'The answer exactly as the app sent it, but for addresses that Dify has signed.',
    }),
    inputs: t.expose('inputs', { type: 'JSON', nullable: true }),
    error: t.exposeString('error', { nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    files: t.field({ type: [MessageFile], resolve: ({ files }) => [...files] }),
    citations: t.field({ type: [Citation], resolve: ({ citations }) => [...citations] }),
    agentSteps: t.field({ type: [AgentStep], resolve: ({ agentSteps }) => [...agentSteps] }),
    usage: t.expose('usage', {
      type: Usage,
      nullable: true,
      description: 'For stored messages known from Dify 1.16 on.',
    }),
    run: t.field({
      type: ChatRun,
      nullable: true,
      description: 'While it is kept: the run behind this message.',
      resolve: async ({ id }, _, { runs }) => (await runs.list()).find(({ state }) => state.messageId === id),
    }),
  }),
});

export const MessageConnection = builder.connectionObject(
  { type: Message, name: 'MessageConnection' },
  { name: 'MessageEdge' },
);

const UsageSource = builder.enumType('UsageSource', {
  description: 'Where usage figures come from: Dify’s final event is sometimes all zeros.',
  values: ['FINAL_EVENT', 'NODE_SUM', 'RUN_RECORD'] as const,
});

export const Usage = builder.objectRef<UsageFigures>('Usage').implement({
  description: 'What a run cost.',
  fields: (t) => ({
    promptTokens: t.exposeInt('promptTokens', { nullable: true }),
    completionTokens: t.exposeInt('completionTokens', { nullable: true }),
    totalTokens: t.exposeInt('totalTokens'),
    totalPrice: t.expose('totalPrice', { type: 'Decimal', nullable: true }),
    currency: t.exposeString('currency', { nullable: true }),
    latencySeconds: t.exposeFloat('latencySeconds', { nullable: true }),
    source: t.expose('source', { type: UsageSource }),
  }),
});

builder.queryFields((t) => ({
  conversationHistory: t.field({
    type: MessageConnection,
    description:
      'Messages of one conversation, oldest first within the page; `last`/`before` scrolls up, which is how Dify pages. A page edge never loses or repeats a message.',
    args: {
      app: t.arg.id(),
      conversationId: t.arg.id({ required: true }),
      last: t.arg.int({ defaultValue: 20 }),
      before: t.arg.string(),
    },
    resolve: (_, { app, conversationId, ...args }, context) =>
      historyOf(appNamed(context, app).served.name, existing(conversationId), args, context),
  }),
}));

interface HistoryArgs {
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** A page of a conversation, oldest message first. */
export async function historyOf(
  app: string,
  conversationId: string,
  args: HistoryArgs,
  context: Context,
): Promise<Connection<MessageView>> {
  const { dify } = appNamed(context, app);
  const { edges, more } = await pageByTime<MessageRecord>(
    {
      fetch: async (firstId, limit) => {
        const { items, hasMore } = await dify.messages({
          user: context.viewer,
          conversationId,
          limit,
          ...(firstId === null ? {} : { firstId }),
        });
        return { items: items.toReversed(), hasMore };
      },
      id: (record) => record.id,
      second: (record) => record.createdAt ?? 0,
      newestFirst: true,
    },
    pageSize('last', args.last, 20),
    args.before,
  );
  const oldestFirst = edges
    .toReversed()
    .map(({ cursor, node }) => ({ cursor, node: ofRecord({ app, conversationId }, node, context) }));
  return connection(oldestFirst, args.before != null, more);
}

/** What the user has said stays as it is. */
function ofRecord(
  of: { readonly app: string; readonly conversationId: string },
  stored: MessageRecord,
  context: Context,
): MessageView {
  const { app } = of;
  const { files, query } = stored;
  const conversationId = stored.conversationId ?? of.conversationId;
  const place = { app, conversationId, messageId: stored.id };
  const record = withOwnTexts(stored, place, context);
  const { text, reasoning } = splitReasoning(record.answer);
  const { id, parentMessageId, inputs, error, citations, usage, rating } = record;
  return {
    app,
    id,
    conversationId,
    parentMessageId,
    query,
    inputs: withoutSignedUrls(inputs) as typeof inputs,
    error,
    citations,
    usage: usage && usageOf(usage, 'RUN_RECORD'),
    rating,
    answered: true,
    answer: text,
    reasoning: reasoning === '' ? null : reasoning,
    rawAnswer: record.answer,
    createdAt: fromSeconds(record.createdAt) ?? 0,
    files: files.map((file) => ({ file: runFile(file.id ?? '', file), place })),
    agentSteps: record.thoughts.flatMap((thought) => agentStep(thought) ?? []),
  };
}

/** The turn that a run produces; null before Dify has named it. */
export function messageOf(run: KeptRun): MessageView | null {
  const { state } = run;
  if (state.messageId === null) return null;
  return {
    app: state.header.app,
    id: state.messageId,
    conversationId: state.conversationId,
    parentMessageId: null,
    query: state.header.query ?? '',
    answer: state.text,
    reasoning: state.reasoning === '' ? null : state.reasoning,
    rawAnswer: state.rawText ?? state.text,
    inputs: state.header.inputs,
    error: state.error?.message ?? null,
    createdAt: state.header.createdAt,
    files: [...state.header.files.map(askedFile), ...state.files].map((file) => ({ file, place: placeOf(state) })),
    citations: state.citations,
    agentSteps: [...state.steps.values()],
    usage: state.usage,
    rating: undefined,
    answered: isEnded(state),
  };
}
