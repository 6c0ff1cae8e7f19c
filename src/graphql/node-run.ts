import type { NodeRun as Node } from '../runs/run-event.ts';
import type { KeptRun } from '../runs/run-log.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { cut } from './cut.ts';
import { Usage } from './message.ts';
import { withOwnAddresses } from './output-files.ts';
import { fromSeconds } from './scalars.ts';

/** How much of a node's data is shown where nothing else is said, in bytes. */
export const PAYLOAD_BYTES = 65_536;

const NodeStatus = builder.enumType('NodeStatus', {
  values: {
    RUNNING: {},
    SUCCEEDED: {},
    FAILED: {},
    EXCEPTION: { description: 'Failed, and the failure was handled by the workflow.' },
    RETRYING: {},
    PAUSED: { description: 'Waits for a person.' },
    STOPPED: { description: 'Was running when the run ended.' },
  } as const,
});

/** A node execution, and how much of its data may be shown. */
interface ShownNode {
  readonly node: Node;
  readonly run: KeptRun;
  readonly maxPayloadBytes: number;
}

export const NodeRun = builder.objectRef<ShownNode>('NodeRun');
NodeRun.implement({
  description: 'One execution of a node of a chatflow or workflow.',
  fields: (t) => ({
    id: t.id({ description: 'Execution id: a node in a loop has many.', resolve: ({ node }) => node.id }),
    nodeId: t.id({ resolve: ({ node }) => node.nodeId }),
    type: t.string({ resolve: ({ node }) => node.type }),
    title: t.string({ resolve: ({ node }) => node.title }),
    index: t.int({ resolve: ({ node }) => node.index }),
    status: t.field({ type: NodeStatus, resolve: ({ node }) => node.status }),
    startedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ node }) => fromSeconds(node.startedAt) }),
    finishedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ node }) => fromSeconds(node.finishedAt) }),
    elapsedSeconds: t.float({ nullable: true, resolve: ({ node }) => node.elapsedSeconds }),
    inputs: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What went in. Null unless the operator shows it for this app: it can hold prompts and secrets.',
      resolve: (shown, _, context) => shownData(shown, 'inputs', context).value,
    }),
    outputs: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What came out; shown as `inputs` are.',
      resolve: (shown, _, context) => shownData(shown, 'outputs', context).value,
    }),
    truncated: t.boolean({
      description: 'True if inputs or outputs were cut to `maxPayloadBytes`.',
      resolve: (shown, _, context) =>
        shownData(shown, 'inputs', context).truncated || shownData(shown, 'outputs', context).truncated,
    }),
    error: t.string({ nullable: true, resolve: ({ node }) => node.error }),
    usage: t.field({ type: Usage, nullable: true, resolve: ({ node }) => node.usage }),
    parentNodeId: t.id({
      nullable: true,
      description: 'Enclosing iteration or loop.',
      resolve: ({ node }) => node.parentNodeId,
    }),
    round: t.int({ nullable: true, description: 'The round in it, from 0.', resolve: ({ node }) => node.round }),
    retries: t.int({ resolve: ({ node }) => node.retries }),
  }),
});

function shownData({ node, run, maxPayloadBytes }: ShownNode, of: 'inputs' | 'outputs', context: Context) {
  return cut(withOwnAddresses(node[of], run, context), maxPayloadBytes);
}
