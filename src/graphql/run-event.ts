import type { Followed, RunAttached as Attached } from '../runs/follow.ts';
import type { RunEvent as Event } from '../runs/run-event.ts';
import type { KeptRun } from '../runs/run-log.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { cut } from './cut.ts';
import { MessageFile } from './file.ts';
import { AgentStep, Usage } from './message.ts';
import { HumanInputForm } from './human-input.ts';
import { NodeRun } from './node-run.ts';
import { placeOf, withOwnAddresses } from './output-files.ts';
import { withoutSignedUrls } from './public-url.ts';
import { Progress, Run, RunError, RunStatus, SettledBy } from './run.ts';

/** An event of the type `T`, with its run. */
interface Of<T extends Followed['event']['type']> {
  readonly run: KeptRun;
  readonly maxPayloadBytes: number;
  readonly event: Extract<Attached | Event, { type: T }>;
}

const AttachMode = builder.enumType('AttachMode', {
  values: {
    SNAPSHOT: { description: 'All state so far: replace yours.' },
    RESUME: { description: 'Only what came after `after`: keep yours.' },
    GAP: {
      description:
        '`after` is not a position that is known here: replace your state; single events in between are gone.',
    },
  } as const,
});

export const RunEvent = builder.interfaceRef<Followed>('RunEvent').implement({
  description: [
    'One event of a run. `seq` counts 1, 2, 3 … per run without holes; merged deltas carry the last of theirs. Apply an event',
    'only if its `seq` is greater than the last you applied, and no reconnect can lose or double anything.',
    'Event types may be added: keep a default branch on __typename.',
  ].join('\n'),
  resolveType: ({ event }) => event.type,
  fields: (t) => ({
    runId: t.id({ resolve: ({ run }) => run.state.header.id }),
    seq: t.int({ resolve: ({ event }) => event.seq }),
    at: t.field({ type: 'DateTime', resolve: ({ event }) => event.at }),
  }),
});

const interfaces = [RunEvent];

builder.objectRef<Of<'RunAttached'>>('RunAttached').implement({
  interfaces,
  description:
    'Always first, also after a reconnect: you are attached, and this is the state up to `seq`. It takes no number of its own.',
  fields: (t) => ({
    mode: t.field({ type: AttachMode, resolve: ({ event }) => event.mode }),
    run: t.field({ type: Run, resolve: ({ run }) => run }),
    text: t.string({ resolve: ({ event }) => event.text }),
    reasoning: t.string({ resolve: ({ event }) => event.reasoning }),
  }),
});

builder.objectRef<Of<'RunQueued'>>('RunQueued').implement({
  interfaces,
  description: 'It waits for its turn; comes again as others leave.',
  fields: (t) => ({
    position: t.int({
      description: 'Runs that come first; 0: its turn has come, and Dify is asked now.',
      resolve: ({ event }) => event.position,
    }),
  }),
});

builder.objectRef<Of<'RunStarted'>>('RunStarted').implement({
  interfaces,
  description: 'Dify has accepted it: ids are known. Comes again if Dify names more of them later.',
  fields: (t) => ({
    run: t.field({ type: Run, resolve: ({ run }) => run }),
    conversationId: t.id({ nullable: true, resolve: ({ event }) => event.conversationId }),
    messageId: t.id({ nullable: true, resolve: ({ event }) => event.messageId }),
    taskId: t.id({ nullable: true, resolve: ({ event }) => event.taskId }),
    workflowRunId: t.id({ nullable: true, resolve: ({ event }) => event.workflowRunId }),
  }),
});

builder.objectRef<Of<'TextDelta'>>('TextDelta').implement({
  interfaces,
  fields: (t) => ({
    offset: t.int({
      description:
        'Where `text` belongs, in UTF-16 units: answer = answer.slice(0, offset) + text. Applying it twice is harmless.',
      resolve: ({ event }) => event.offset,
    }),
    text: t.string({ resolve: ({ event }) => event.text }),
    accumulated: t.string({
      description: 'All text so far: costs bandwidth, handy for views that render only the last event.',
      resolve: ({ event, run }) => run.at(event.seq).text,
    }),
    source: t.stringList({
      nullable: true,
      description: 'Chatflow and workflow: the node and variable it comes from, when Dify says so.',
      resolve: ({ event }) => event.source && [...event.source],
    }),
  }),
});

builder.objectRef<Of<'TextReplaced'>>('TextReplaced').implement({
  interfaces,
  description:
    'The text was replaced (moderation, or what had been streamed turned out to be reasoning): start again from this.',
  fields: (t) => ({
    text: t.string({ resolve: ({ event }) => event.text }),
    reason: t.string({ nullable: true, resolve: ({ event }) => event.reason }),
  }),
});

builder.objectRef<Of<'ReasoningDelta'>>('ReasoningDelta').implement({
  interfaces,
  fields: (t) => ({
    offset: t.int({ description: 'As in TextDelta, into the reasoning.', resolve: ({ event }) => event.offset }),
    text: t.string({ resolve: ({ event }) => event.text }),
    nodeId: t.id({ nullable: true, resolve: ({ event }) => event.nodeId }),
  }),
});

builder.objectRef<Of<'AgentStepChanged'>>('AgentStepChanged').implement({
  interfaces,
  description: 'A step as it is now: replace the one with the same id.',
  fields: (t) => ({ step: t.field({ type: AgentStep, resolve: ({ event }) => event.step }) }),
});

builder.objectRef<Of<'AgentLogged'>>('AgentLogged').implement({
  interfaces,
  description: 'An entry in the log of an agent node as it is now: replace the one with the same id.',
  fields: (t) => ({
    id: t.id({ resolve: ({ event }) => event.id }),
    parentId: t.id({ nullable: true, resolve: ({ event }) => event.parentId }),
    nodeId: t.id({ nullable: true, resolve: ({ event }) => event.nodeId }),
    label: t.string({ resolve: ({ event }) => event.label }),
    status: t.string({ description: 'start, success or error.', resolve: ({ event }) => event.status }),
    error: t.string({ nullable: true, resolve: ({ event }) => event.error }),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'What the agent noted. Null unless the operator shows it for this app: it can hold prompts and secrets.',
      resolve: (logged, _, context) => shownData(logged, context).value,
    }),
    truncated: t.boolean({
      description: 'True if `data` was cut to `maxPayloadBytes`.',
      resolve: (logged, _, context) => shownData(logged, context).truncated,
    }),
  }),
});

function shownData({ event, run, maxPayloadBytes }: Of<'AgentLogged'>, context: Context) {
  return cut(withOwnAddresses(event.data, run, context), maxPayloadBytes);
}

builder.objectRef<Of<'NodeChanged'>>('NodeChanged').implement({
  interfaces,
  description: 'A node execution as it is now: replace the one with the same id.',
  fields: (t) => ({
    node: t.field({
      type: NodeRun,
      resolve: ({ event, run, maxPayloadBytes }) => ({ node: event.node, run, maxPayloadBytes }),
    }),
    progress: t.field({ type: Progress, resolve: ({ event }) => event.progress }),
  }),
});

builder.objectRef<Of<'RoundStarted'>>('RoundStarted').implement({
  interfaces,
  description: 'A round of an iteration or loop began.',
  fields: (t) => ({
    nodeId: t.id({ resolve: ({ event }) => event.nodeId }),
    title: t.string({ resolve: ({ event }) => event.title }),
    round: t.int({ description: 'From 0.', resolve: ({ event }) => event.round }),
  }),
});

builder.objectRef<Of<'FileProduced'>>('FileProduced').implement({
  interfaces,
  fields: (t) => ({
    file: t.field({
      type: MessageFile,
      resolve: ({ event, run }) => ({ file: event.file, place: placeOf(run.state) }),
    }),
  }),
});

builder.objectRef<Of<'AudioChunk'>>('AudioChunk').implement({
  interfaces,
  description: 'Speech for the answer, MP3 in base64. Decode each piece by itself, then join the bytes.',
  fields: (t) => ({
    base64: t.string({ resolve: ({ event }) => event.base64 }),
    final: t.boolean({ resolve: ({ event }) => event.final }),
  }),
});

builder.objectRef<Of<'RunPaused'>>('RunPaused').implement({
  interfaces,
  description: 'The run waits for people: it goes on when a form is answered, here or elsewhere, or its time is over.',
  fields: (t) => ({
    forms: t.field({ type: [HumanInputForm], resolve: ({ event, run }) => event.forms.map((form) => ({ form, run })) }),
  }),
});

builder.objectRef<Of<'RunResumed'>>('RunResumed').implement({
  interfaces,
  description: 'A form was answered, or its time was over: the run goes on.',
  fields: (t) => ({
    formId: t.id({ nullable: true, resolve: ({ event }) => event.formId }),
    action: t.string({ nullable: true, resolve: ({ event }) => event.action }),
    timedOut: t.boolean({ resolve: ({ event }) => event.timedOut }),
  }),
});

builder.objectRef<Of<'UpstreamRecovered'>>('UpstreamRecovered').implement({
  interfaces,
  description: 'The link to Dify broke and was healed, or the outcome was fetched from its records.',
  fields: (t) => ({
    by: t.field({ type: SettledBy, resolve: ({ event }) => event.by }),
    lostDetail: t.boolean({
      description:
        'Some of what happened in between (nodes, steps, reasoning) may be missing; the text is whole at the end.',
      resolve: ({ event }) => event.lostDetail,
    }),
  }),
});

builder.objectRef<Of<'UnknownEvent'>>('UnknownEvent').implement({
  interfaces,
  description: 'Something this version does not know: passed on, never dropped, never fatal.',
  fields: (t) => ({
    name: t.string({ resolve: ({ event }) => event.name }),
    data: t.field({ type: 'JSON', resolve: ({ event }) => withoutSignedUrls(event.data) }),
  }),
});

builder.objectRef<Of<'RunFinished'>>('RunFinished').implement({
  interfaces,
  description: 'Always last, exactly one per run, whatever happened upstream.',
  fields: (t) => ({
    run: t.field({ type: Run, resolve: ({ run }) => run }),
    status: t.field({ type: RunStatus, resolve: ({ event }) => event.status }),
    error: t.field({ type: RunError, nullable: true, resolve: ({ event }) => event.error }),
    usage: t.field({ type: Usage, nullable: true, resolve: ({ event }) => event.usage }),
  }),
});
