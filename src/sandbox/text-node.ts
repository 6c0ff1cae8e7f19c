import type { Graph } from './graph.ts';
import { callUsage, modelResult, think, type Prompt } from './model-node.ts';
import { runNode } from './node.ts';
import type { Voice } from './speech.ts';

/** What a model of a workflow is asked and says. */
export interface Writing {
  readonly prompts: readonly Prompt[];
  readonly pieces: readonly string[];
  /** What it thinks before. */
  readonly thought: string;
  readonly voice?: Voice;
}

/** An LLM node of a workflow, whose text is told in `text_chunk`s; gives the text. */
export async function write(
  graph: Graph,
  { id, title }: { readonly id: string; readonly title: string },
  { prompts, pieces, thought, voice }: Writing,
): Promise<string> {
  const { turn } = graph;
  let text = '';
  const chunk = (piece: string) => graph.emit('text_chunk', { text: piece, from_variable_selector: [id, 'text'] });
  await runNode(graph, { id, type: 'llm', title }, async () => {
    const startedAt = turn.world.now();
    const reasoning = await think(graph, id, thought);
    for await (const piece of turn.speak(pieces)) {
      text += piece;
      await chunk(piece);
      await voice?.heard();
    }
    if (!turn.stopped) await chunk('');
    await turn.linger();
    return modelResult(prompts, text, callUsage(graph, prompts, text, startedAt), reasoning);
  });
  return text;
}
