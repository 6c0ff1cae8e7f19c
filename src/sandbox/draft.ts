import type { Graph } from './graph.ts';
import type { Citation } from './house-guide.ts';
import type { Memory } from './memory.ts';
import type { Message } from './message.ts';
import type { Voice } from './speech.ts';
import type { Usage } from './usage.ts';

/** The answer of a chatflow while its nodes work on it. */
export interface Draft {
  readonly message: Message;
  readonly memory: Memory;
  /** What there is to say of the files that came along. */
  readonly sight: string;
  readonly voice: Voice;
  text: string;
  usage: Usage | undefined;
  citations: readonly Citation[];
  /** What models thought, by node. */
  reasoning: Readonly<Record<string, string>>;
}

/** Adds a piece to the answer and sends it, with the variable it comes from. */
export async function say(graph: Graph, draft: Draft, answer: string, selector: readonly string[]): Promise<void> {
  draft.text += answer;
  if (graph.run.live !== undefined) graph.run.live.text = draft.text;
  await graph.turn.emit('message', { id: draft.message.id, answer, from_variable_selector: selector });
}
