import { randomUUID } from 'node:crypto';
import { seconds } from './clock.ts';
import { Graph, systemInputs } from './graph.ts';
import { runNode, type NodeResult } from './node.ts';
import type { Turn } from './turn.ts';

/** Opens a run of a workflow app with the inputs it was given. */
export function openWorkflow(turn: Turn, inputs: Readonly<Record<string, unknown>>): Graph {
  const id = randomUUID();
  turn.envelope = { workflow_run_id: id };
  const given = { ...inputs, ...systemInputs(turn, id) };
  return new Graph(turn, id, given, { ...given, 'sys.timestamp': seconds(turn.world.now()) });
}

/** The first node of every graph: its outputs are the inputs. */
export const startNode = (graph: Graph): Promise<NodeResult> =>
  runNode(graph, { id: 'start', type: 'start', title: 'Start' }, () => {
    const { inputs } = graph.run;
    return { inputs, outputs: inputs };
  });
