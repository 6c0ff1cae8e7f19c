import type { WorkflowLogRecord, WorkflowLogRun, WorkflowRunRecord as Stored } from '../dify/workflow-run.ts';
import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { isUuid } from './ids.ts';
import { pageByNumber } from './numbered-list.ts';
import { connection, pageSize } from './paging.ts';
import { textWithoutSignedUrls, withoutSignedUrls } from './public-url.ts';
import { RunStatus } from './run.ts';
import { fromSeconds } from './scalars.ts';

/** A run as a log has it, and all that is stored of it. */
interface RecordRef extends Pick<Stored, keyof Stored & keyof WorkflowLogRun> {
  readonly stored: () => Promise<Stored | null>;
}

const WorkflowRunRecord = builder.objectRef<RecordRef>('WorkflowRunRecord').implement({
  description:
    'Dify’s own record of a run of a workflow or chatflow. In logs, what is not in them is asked for when selected.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The `workflowRunId` of a WorkflowRun.' }),
    workflowId: t.id({ nullable: true, resolve: async (run) => (await run.stored())?.workflowId }),
    status: t.field({
      type: RunStatus,
      resolve: ({ status }) => (Object.hasOwn(statuses, status) ? statuses[status]! : 'UNKNOWN'),
    }),
    inputs: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What was sent, and Dify’s own `sys.…` values.',
      resolve: async (run) => withoutSignedUrls((await run.stored())?.inputs ?? null),
    }),
    outputs: t.field({
      type: 'JSON',
      nullable: true,
      resolve: async (run) => withoutSignedUrls((await run.stored())?.outputs ?? null),
    }),
    error: t.string({ nullable: true, resolve: ({ error }) => textWithoutSignedUrls(error) }),
    totalSteps: t.exposeInt('totalSteps', { nullable: true }),
    totalTokens: t.exposeInt('totalTokens', { nullable: true }),
    elapsedSeconds: t.exposeFloat('elapsedTime', { nullable: true }),
    createdAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ createdAt }) => fromSeconds(createdAt) }),
    finishedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ finishedAt }) => fromSeconds(finishedAt) }),
  }),
});

const statuses: Readonly<Record<string, (typeof RunStatus)['$inferType']>> = {
  running: 'RUNNING',
  paused: 'PAUSED',
  succeeded: 'SUCCEEDED',
  'partial-succeeded': 'PARTIAL_SUCCEEDED',
  failed: 'FAILED',
  stopped: 'STOPPED',
};

const WorkflowLog = builder
  .objectRef<{ readonly app: string; readonly log: WorkflowLogRecord }>('WorkflowLog')
  .implement({
    description: 'An entry of the log of a workflow or chatflow app: one that has ended.',
    fields: (t) => ({
      id: t.id({ resolve: ({ log }) => log.id }),
      run: t.field({
        type: WorkflowRunRecord,
        nullable: true,
        description: 'Null when Dify has kept the entry only.',
        resolve: ({ app, log: { run } }, _, context) =>
          run && { ...run, stored: once(() => storedRun(app, run.id, context)) },
      }),
      user: t.id({
        nullable: true,
        description: 'Whose it is; null for a member of the workspace.',
        resolve: ({ log }) => log.endUser?.sessionId,
      }),
      endUserId: t.id({
        nullable: true,
        description: 'Dify’s id of that user: see Query.endUser.',
        resolve: ({ log }) => log.endUser?.id,
      }),
      createdFrom: t.string({
        nullable: true,
        description: 'service-api, web-app, explore … as in Dify.',
        resolve: ({ log }) => log.createdFrom,
      }),
      createdByRole: t.string({
        nullable: true,
        description: 'end_user or account.',
        resolve: ({ log }) => log.createdByRole,
      }),
      createdAt: t.field({ type: 'DateTime', resolve: ({ log }) => fromSeconds(log.createdAt) ?? 0 }),
    }),
  });

const WorkflowLogConnection = builder.connectionObject(
  { type: WorkflowLog, name: 'WorkflowLogConnection' },
  { name: 'WorkflowLogEdge' },
);

const WorkflowLogStatus = builder.enumType('WorkflowLogStatus', {
  description: 'What Dify can filter by.',
  values: { SUCCEEDED: { value: 'succeeded' }, FAILED: { value: 'failed' }, STOPPED: { value: 'stopped' } } as const,
});

const WorkflowLogFilter = builder.inputType('WorkflowLogFilter', {
  description: 'All that is given must fit. Times and users: from Dify 1.5 on.',
  fields: (t) => ({
    keyword: t.string({ description: 'In inputs, outputs or the user.' }),
    status: t.field({ type: WorkflowLogStatus }),
    createdAfter: t.field({ type: 'DateTime' }),
    createdBefore: t.field({ type: 'DateTime' }),
    user: t.id({ description: 'Only with the scope `admin`: without it, it is you, whatever is said here.' }),
  }),
});

builder.queryFields((t) => ({
  workflowRunRecord: t.field({
    type: WorkflowRunRecord,
    nullable: true,
    description:
      'Dify’s own record of a workflow run, also of one that did not pass through this gateway; null when it is not yours, unless you have the scope `admin`.',
    args: { app: t.arg.id(), id: t.arg.id({ required: true }) },
    resolve: async (_, { app, id }, context) => {
      const stored = await storedRun(appNamed(context, app).served.name, id, context);
      return stored && { ...stored, stored: async () => stored };
    },
  }),
  workflowLogs: t.field({
    type: WorkflowLogConnection,
    description:
      'Ended runs of a workflow or chatflow app, newest first: yours, or everybody’s with the scope `admin`.',
    args: {
      app: t.arg.id(),
      filter: t.arg({ type: WorkflowLogFilter }),
      first: t.arg.int({ defaultValue: 20 }),
      after: t.arg.string(),
    },
    resolve: async (_, { app, filter, first, after }, context) => {
      const { dify, served } = appNamed(context, app);
      const search = searched(filter, context);
      const { edges, more } = await pageByNumber<WorkflowLogRecord>(
        {
          fetch: async (page, limit) => ofUser(await dify.workflows.logs({ ...search, page, limit }), search.user),
          id: ({ id }) => id,
        },
        pageSize('first', first, 20),
        after,
      );
      const logs = edges.map(({ cursor, node: log }) => ({ cursor, node: { app: served.name, log } }));
      return connection(logs, more, after != null);
    },
  }),
}));

/** Dify gives a run's record to whoever asks: that it is the viewer's is in its inputs. */
async function storedRun(app: string, id: string, context: Context): Promise<Stored | null> {
  const { dify } = appNamed(context, app);
  const stored = isUuid(id) ? await dify.workflows.run(id) : null;
  return isAdmin(context) || stored?.inputs?.['sys.user_id'] === context.viewer ? stored : null;
}

function searched(filter: typeof WorkflowLogFilter.$inferInput | null | undefined, context: Context) {
  const { keyword, status, createdAfter, createdBefore, user } = filter ?? {};
  const whose = isAdmin(context) ? user : context.viewer;
  return {
    ...(keyword == null ? {} : { keyword }),
    ...(status == null ? {} : { status }),
    ...(createdAfter == null ? {} : { createdAfter: new Date(createdAfter).toISOString() }),
    ...(createdBefore == null ? {} : { createdBefore: new Date(createdBefore).toISOString() }),
    ...(whose == null ? {} : { user: whose }),
  };
}

/** Before Dify 1.5 the user is no filter, and is silently ignored. */
function ofUser<P extends { readonly items: readonly WorkflowLogRecord[] }>(page: P, user: string | undefined): P {
  if (user === undefined || page.items.every(({ endUser }) => endUser?.sessionId === user)) return page;
  throw new GatewayError(
    'FORBIDDEN',
    'This version of Dify cannot tell whose logs are whose: it needs the scope `admin`.',
  );
}

function isAdmin({ scopes }: Context): boolean {
  return scopes.includes('admin');
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
