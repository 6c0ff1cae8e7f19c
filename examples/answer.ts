import type * as Api from '../test/clients/operations.generated.ts';

/** A run as a view shows it. */
export interface Answer {
  /** Number of the last event that is in it. */
  readonly seq: number;
  readonly status: Api.RunStatus;
  readonly text: string;
  readonly reasoning: string;
  readonly steps: readonly Api.AgentStepFieldsFragment[];
  readonly nodes: readonly Api.NodeFieldsFragment[];
  readonly files: readonly Api.FileFieldsFragment[];
  readonly error: Api.RunErrorFieldsFragment | null;
}

export const noAnswer: Answer = {
  seq: 0,
  status: 'RUNNING',
  text: '',
  reasoning: '',
  steps: [],
  nodes: [],
  files: [],
  error: null,
};

/** The answer after one more event. `RunAttached` begins it anew, so that a subscription that was lost and made again ends exact. */
export function applyRunEvent(answer: Answer, event: Api.RunEventFieldsFragment): Answer {
  if (event.__typename === 'RunAttached') {
    const { seq, text, reasoning, run } = event;
    const message = run.__typename === 'ChatRun' ? run.message : null;
    const all = run.__typename === 'WorkflowRun' ? run.files : (message?.files ?? []);
    const files = all.filter(({ fromUser }) => !fromUser);
    return { ...noAnswer, seq, text, reasoning, nodes: run.nodes, steps: message?.agentSteps ?? [], files };
  }
  if (event.seq <= answer.seq) return answer;
  const next = { ...answer, seq: event.seq };
  switch (event.__typename) {
    case 'TextDelta':
      return { ...next, text: answer.text.slice(0, event.offset) + event.text };
    case 'TextReplaced':
      return { ...next, text: event.text };
    case 'ReasoningDelta':
      return { ...next, reasoning: answer.reasoning.slice(0, event.offset) + event.text };
    case 'AgentStepChanged':
      return { ...next, steps: put(answer.steps, event.step) };
    case 'NodeChanged':
      return { ...next, nodes: put(answer.nodes, event.node) };
    case 'FileProduced':
      return { ...next, files: put(answer.files, event.file) };
    case 'RunFinished':
      return { ...next, status: event.status, error: event.error };
    default:
      return next;
  }
}

/** Replaces the one of the same id, or adds it. */
function put<T extends { readonly id: string }>(all: readonly T[], one: T): readonly T[] {
  return all.some(({ id }) => id === one.id) ? all.map((other) => (other.id === one.id ? one : other)) : [...all, one];
}
