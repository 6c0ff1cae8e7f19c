import { GatewayError } from '../errors.ts';
import { follow, type Following, type FollowOptions } from '../runs/follow.ts';
import type { RunEvent as Event } from '../runs/run-event.ts';
import type { KeptRun } from '../runs/run-log.ts';
import type { Question } from '../runs/question.ts';
import { refuseForeignUploads } from './ask.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { RunEvent } from './run-event.ts';

const groups = {
  TEXT: ['TextDelta', 'TextReplaced'],
  REASONING: ['ReasoningDelta'],
  NODES: ['NodeChanged', 'RoundStarted'],
  AGENT: ['AgentStepChanged', 'AgentLogged'],
  FILES: ['FileProduced'],
  AUDIO: ['AudioChunk'],
} as const satisfies Readonly<Record<string, readonly Event['type'][]>>;

const EventGroup = builder.enumType('EventGroup', {
  values: Object.fromEntries(
    Object.entries(groups).map(([group, types]) => [group, { value: group, description: types.join(', ') }]),
  ) as Record<keyof typeof groups, { value: keyof typeof groups; description: string }>,
});

export const StreamOptions = builder.inputType('StreamOptions', {
  fields: (t) => ({
    coalesceMs: t.int({
      defaultValue: 0,
      description: 'Merge text deltas that arrive within this time, in ms, 10,000 at most. 0 sends each as it comes.',
    }),
    maxPayloadBytes: t.int({
      defaultValue: 65_536,
      description: 'Cut node inputs and outputs, and data of agent logs, above this many bytes; 1,048,576 at most.',
    }),
    only: t.field({
      type: [EventGroup],
      description: 'Only these groups of events; RunAttached and RunFinished always come.',
    }),
  }),
});

interface FollowArgs {
  readonly after?: number | null | undefined;
  readonly options?: (typeof StreamOptions)['$inferInput'] | null | undefined;
}

/** What a subscription wants of a run's events. */
export function wishes(options: FollowArgs['options']): Omit<FollowOptions, 'after'> {
  const coalesceMs = options?.coalesceMs ?? 0;
  if (coalesceMs < 0 || coalesceMs > 10_000)
    throw new GatewayError('BAD_USER_INPUT', '`options.coalesceMs` must be from 0 to 10,000.');
  const maxPayloadBytes = options?.maxPayloadBytes ?? 65_536;
  if (maxPayloadBytes < 0 || maxPayloadBytes > 1_048_576)
    throw new GatewayError('BAD_USER_INPUT', '`options.maxPayloadBytes` must be from 0 to 1,048,576.');
  const types = options?.only && new Set<string>(options.only.flatMap((group) => groups[group]));
  return { coalesceMs, maxPayloadBytes, ...(types ? { only: (event: Event) => types.has(event.type) } : {}) };
}

/** A run's events as a subscription returns them. */
function followRun(run: KeptRun, { after, options }: FollowArgs): Following {
  return follow(run, { ...wishes(options), after: after ?? null });
}

/** Asks, or attaches to what the same key asked before, and follows. */
export async function streamed(question: Question, args: FollowArgs, context: Context): Promise<Following> {
  await refuseForeignUploads(question, context);
  const { run } = await context.runs.start(question);
  return followRun(run, args);
}

/** The viewer's run of that id; another viewer's is not found either. */
export async function ownRun(id: string, { runs }: Context): Promise<KeptRun> {
  const run = await runs.find(id);
  if (!run) throw new GatewayError('NOT_FOUND', 'There is no such run, it is no longer kept, or it is not yours.');
  return run;
}

builder.subscriptionField('runEvents', (t) =>
  t.field({
    type: RunEvent,
    description: [
      'Follow a run: one RunAttached with everything so far, then live events, then RunFinished, then completion.',
      'With `after` (a `seq` already applied) only what was missed. Subscribing again with the same variables, as every',
      'client does after a reconnect, is always safe.',
    ].join('\n'),
    args: { runId: t.arg.id({ required: true }), after: t.arg.int(), options: t.arg({ type: StreamOptions }) },
    subscribe: async (_, { runId, ...args }, context) => followRun(await ownRun(runId, context), args),
    resolve: (followed) => followed,
  }),
);
