import type { KeptRun } from '../runs/run-log.ts';
import { checkedWait } from './ask.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { ownRun } from './follow.ts';
import { connection, decodeCursor, encodeCursor, foreignCursor, pageSize, type Connection } from './paging.ts';
import { Run, RunKind, RunStatus } from './run.ts';

const RunFilter = builder.inputType('RunFilter', {
  description: 'All that is given must fit.',
  fields: (t) => ({
    apps: t.idList(),
    kinds: t.field({ type: [RunKind] }),
    statuses: t.field({ type: [RunStatus] }),
    startedAfter: t.field({ type: 'DateTime' }),
    startedBefore: t.field({ type: 'DateTime' }),
  }),
});

const RunConnection = builder.connectionObject({ type: Run, name: 'RunConnection' }, { name: 'RunEdge' });

const Viewer = builder.objectRef<{ readonly id: string; readonly scopes: readonly string[] }>('Viewer').implement({
  description: 'You, as the gateway knows you.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The `user` of every call to Dify.' }),
    scopes: t.field({
      type: ['String'],
      description: 'What you may do besides: `admin`, `impersonate`.',
      resolve: ({ scopes }) => [...scopes],
    }),
    runs: t.field({
      type: RunConnection,
      description: 'As in `Query.runs`.',
      args: { filter: t.arg({ type: RunFilter }), first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
      resolve: (_, args, context) => runsOf(args, context),
    }),
  }),
});

const StopRunPayload = builder
  .objectRef<{ readonly run: KeptRun; readonly confirmed: boolean }>('StopRunPayload')
  .implement({
    fields: (t) => ({
      run: t.field({ type: Run, resolve: ({ run }) => run }),
      confirmed: t.exposeBoolean('confirmed', {
        description: 'True once the run has really ended: Dify’s stop call answers success even when it did nothing.',
      }),
    }),
  });

builder.queryFields((t) => ({
  viewer: t.field({
    type: Viewer,
    description: 'Who the gateway takes you for: from your credentials, never from an argument.',
    resolve: (_, __, { viewer, scopes }) => ({ id: viewer, scopes }),
  }),
  run: t.field({
    type: Run,
    nullable: true,
    description:
      'One execution (chat turn or workflow run), live or ended, for as long as it is kept; null when it is not, or not yours.',
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, { runs }) => runs.find(id),
  }),
  runs: t.field({
    type: RunConnection,
    description: 'Your runs that the gateway knows, newest first.',
    args: { filter: t.arg({ type: RunFilter }), first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
    resolve: (_, args, context) => runsOf(args, context),
  }),
}));

builder.mutationField('stopRun', (t) =>
  t.field({
    type: StopRunPayload,
    description: 'Stop a run. Idempotent; resolves when the run has ended, or after `waitMs`.',
    args: { runId: t.arg.id({ required: true }), waitMs: t.arg.int({ defaultValue: 5_000 }) },
    resolve: async (_, { runId, waitMs }, context) => {
      const limit = checkedWait('waitMs', waitMs, 5_000);
      const run = await ownRun(runId, context);
      return { run, confirmed: await context.runs.stop(run, limit, context.signal) };
    },
  }),
);

interface RunsArgs {
  readonly filter?: typeof RunFilter.$inferInput | null | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

async function runsOf({ filter, first, after }: RunsArgs, { runs }: Context): Promise<Connection<KeptRun>> {
  const size = pageSize('first', first, 20);
  const cursor = after == null ? null : placeAt(after);
  const fitting = (await runs.list()).filter((run) => fits(run, filter));
  const newestFirst = fitting.toSorted((a, b) => compare(place(b), place(a)));
  const beyond = cursor ? newestFirst.filter((run) => compare(place(run), cursor) < 0) : newestFirst;
  const edges = beyond.slice(0, size).map((run) => ({ cursor: encodeCursor(place(run)), node: run }));
  return connection(edges, beyond.length > size, cursor !== null);
}

function fits({ state }: KeptRun, filter: RunsArgs['filter']): boolean {
  const { apps, kinds, statuses, startedAfter, startedBefore } = filter ?? {};
  const { app, kind, createdAt } = state.header;
  return (
    (!apps || apps.includes(app)) &&
    (!kinds || kinds.includes(kind)) &&
    (!statuses || statuses.includes(state.status)) &&
    (startedAfter == null || createdAt > startedAfter) &&
    (startedBefore == null || createdAt < startedBefore)
  );
}

type Place = readonly [createdAt: number, id: string];

function place({ state }: KeptRun): Place {
  return [state.header.createdAt, state.header.id];
}

function placeAt(cursor: string): Place {
  const [createdAt, id] = decodeCursor(cursor);
  if (typeof createdAt === 'number' && typeof id === 'string') return [createdAt, id];
  throw foreignCursor();
}

function compare([aTime, aId]: Place, [bTime, bId]: Place): number {
  return aTime - bTime || (aId < bId ? -1 : aId > bId ? 1 : 0);
}
