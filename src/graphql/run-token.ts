import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import { ownRun } from './follow.ts';

/** A week, in seconds. */
const LONGEST = 604_800;

interface Issued {
  readonly token: string;
  readonly expiresAt: number;
}

const RunToken = builder.objectRef<Issued>('RunToken').implement({
  description:
    'Shows one run to whoever has it, and nothing else: for a page without a login. It cannot be taken back.',
  fields: (t) => ({
    token: t.exposeString('token', {
      description: [
        'As `authorization: Bearer run_…`, or as `?token=` of `GET /runs/{id}/events`: for `run`, `runEvents` and that stream,',
        'of this run. All else is FORBIDDEN.',
      ].join('\n'),
    }),
    expiresAt: t.field({ type: 'DateTime', resolve: ({ expiresAt }) => expiresAt }),
  }),
});

builder.mutationField('createRunToken', (t) =>
  t.field({
    type: RunToken,
    description: 'A token with which others may look at a run of yours, for `ttlSeconds`: a week at most.',
    args: { runId: t.arg.id({ required: true }), ttlSeconds: t.arg.int({ defaultValue: 3_600 }) },
    resolve: async (_, { runId, ttlSeconds }, context) => {
      const seconds = ttlSeconds ?? 3_600;
      if (seconds < 1 || seconds > LONGEST)
        throw new GatewayError('BAD_USER_INPUT', '`ttlSeconds` must be from 1 to 604,800.');
      const run = await ownRun(runId, context);
      const expiresAt = Date.now() + seconds * 1_000;
      const shown = { viewer: context.viewer, runId: run.state.header.id, until: expiresAt };
      return { token: context.runTokens.issue(shown), expiresAt };
    },
  }),
);
