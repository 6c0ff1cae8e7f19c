import { described, type Seen } from './file-facts.ts';
import type { Graph } from './graph.ts';
import { piecesFor } from './answers.ts';
import { runNode } from './node.ts';
import { openWorkflow, startNode } from './open-workflow.ts';
import { write } from './text-node.ts';
import type { Turn } from './turn.ts';
import { paragraphs } from './wording.ts';

/** A file among the inputs of a graph (§7.4). */
interface GraphFile {
  readonly filename: string;
  readonly mime_type: string;
  readonly size: number;
  readonly transfer_method: string;
  readonly remote_url: string | null;
  readonly related_id: string | null;
}

/** The describe workflow: read the files → say what is in them. Its outputs hold the first file again. */
export async function describe(turn: Turn, inputs: Readonly<Record<string, unknown>>): Promise<Graph> {
  const graph = openWorkflow(turn, inputs);
  const files = [inputs['file'], inputs['more']].flat().filter((file) => file !== null) as GraphFile[];
  const [first] = files;
  await graph.execute(
    async () => {
      await startNode(graph);
      const facts = files.map((file) => described(seen(turn, file)));
      await runNode(graph, { id: 'read', type: 'document-extractor', title: 'Read the files' }, async () => {
        await turn.wait(120);
        return { inputs: { variable_selector: ['start', 'file'] }, outputs: { text: facts }, files };
      });
      const prompts = [{ role: 'user' as const, text: `Describe: ${facts.join('; ')}` }];
      const pieces = piecesFor(turn.magic, (question) => description(facts, question, inputs['brief'] === true));
      const thought = `${files.length} file${files.length === 1 ? '' : 's'} to look at.`;
      const text = await write(graph, { id: 'describe', title: 'Describe' }, { prompts, pieces, thought });
      const outputs = { description: text, files: files.length, file: first };
      await runNode(graph, { id: 'end', type: 'end', title: 'End' }, () => ({ inputs: outputs, outputs }));
      return outputs;
    },
    { files: first === undefined ? [] : [first] },
  );
  return graph;
}

function seen({ world }: Turn, file: GraphFile): Seen {
  const { filename, mime_type: mimeType, size, related_id: id, transfer_method: method, remote_url: url } = file;
  const bytes = id === null ? undefined : world.uploads.find(id)?.bytes;
  return { filename, mimeType, size, bytes, address: method === 'remote_url' ? url : null };
}

function description(facts: readonly string[], question: string, brief: boolean): string {
  if (brief) return `${facts.length === 1 ? 'A file' : 'Files'}.`;
  const asked = question === '' ? '' : `You asked “${question}”. I can only say what the bytes say.`;
  return paragraphs(`I see ${facts.join(', and ')}.`, asked);
}
