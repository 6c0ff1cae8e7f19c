import { randomUUID } from 'node:crypto';
import { piecesFor } from './answers.ts';
import { endMessage, replacement, type Outcome } from './chat.ts';
import { classes, conciergeAnswer, conciergePrompts } from './concierge.ts';
import { remember } from './conversation-variables.ts';
import { ModelFault } from './faults.ts';
import { graphFile } from './files.ts';
import { Graph, systemInputs } from './graph.ts';
import { lookUp, retrieved, type Citation } from './house-guide.ts';
import type { Memory } from './memory.ts';
import type { Message } from './message.ts';
import { callUsage, cost, modelResult } from './model-node.ts';
import { runNode } from './node.ts';
import { sendPicture, Voice } from './speech.ts';
import type { Turn } from './turn.ts';
import { noUsage, type Usage } from './usage.ts';

/** What the answer node adds to the model's text, as a piece of its own. */
const signature = '\n\n— Your concierge';

/** What the nodes of one turn work on. */
interface Draft {
  readonly message: Message;
  readonly memory: Memory;
  readonly voice: Voice;
  text: string;
  usage: Usage | undefined;
  citations: readonly Citation[];
}

/**
 * The concierge: start → classifier → if-else → [retrieval] → model → assigner → answer. Ends with `workflow_finished`,
 * then `message_end`; a failed run ends with `error` instead (1.12; later versions order it otherwise, §2.4).
 */
export async function chatflow(turn: Turn, message: Message, memory: Memory): Promise<Outcome> {
  const graph = openGraph(turn, message, memory);
  const draft: Draft = { message, memory, voice: new Voice(turn), text: '', usage: undefined, citations: [] };
  const picture = await sendPicture(turn, message);
  const files = picture === undefined ? [] : [graphFile(turn.world, picture)];

  await graph.execute(async () => {
    const { inputs } = graph.run;
    await runNode(graph, { id: 'start', type: 'start', title: 'Start' }, () => ({ inputs, outputs: inputs }));
    draft.citations = await look(graph, turn.magic.text);
    await write(graph, draft);
    await runNode(graph, { id: 'remember', type: 'assigner', title: 'Remember' }, () =>
      remember(turn, message, draft.citations),
    );
    await tell(turn, message, signature, ['answer', 'answer']);
    draft.text += signature;
    const outputs = { answer: draft.text, files };
    await runNode(graph, { id: 'answer', type: 'answer', title: 'Answer' }, () => ({ outputs }));
    return outputs;
  }, files);

  const { status, error } = graph.run;
  if (status === 'failed') throw new ModelFault('invalid_param', 400, `Run failed: ${error ?? ''}`);
  if (turn.magic.words.has('!replace') && status === 'succeeded') {
    draft.text = replacement;
    await turn.emit('message_replace', { answer: draft.text, reason: 'output_moderation' });
  }
  const outcome = outcomeOf(turn, draft, status === 'stopped');
  await endMessage(turn, message, outcome, files);
  await draft.voice.finish();
  return outcome;
}

function openGraph(turn: Turn, message: Message, memory: Memory): Graph {
  const id = randomUUID();
  const inputs = { ...message.inputs, ...systemInputs(turn, id), 'sys.query': message.query };
  const count = { 'sys.dialogue_count': memory.length + 1 };
  const all = { ...inputs, 'sys.conversation_id': message.conversation?.id, ...count };
  return new Graph(turn, id, { ...inputs, ...count }, all);
}

/** A stopped turn is not counted and cites nothing. */
function outcomeOf(turn: Turn, { text, usage, citations }: Draft, stopped: boolean): Outcome {
  const { firstToken, generate } = turn.timing();
  if (stopped || usage === undefined) {
    return { answer: text, usage: noUsage({ latency: 0, firstToken, generate }), citations: [] };
  }
  return { answer: text, usage: { ...usage, time_to_first_token: firstToken, time_to_generate: generate }, citations };
}

/** Classifies the question and, when it is about the house, looks it up. */
async function look(graph: Graph, question: string): Promise<Citation[]> {
  const { turn } = graph;
  const found = lookUp(question);
  const chosen = found.length > 0 ? classes[0] : classes[1];
  await runNode(graph, { id: 'classify', type: 'question-classifier', title: 'What is it about?' }, async () => {
    const startedAt = turn.world.now();
    await turn.wait(200);
    const prompts = [{ role: 'user' as const, text: question }];
    const usage = callUsage(graph, prompts, chosen.name, startedAt);
    const { processData, ...result } = modelResult(prompts, chosen.name, usage);
    const outputs = { class_name: chosen.name, class_id: chosen.id, usage };
    return { ...result, inputs: { query: question }, ...(processData && { processData }), outputs };
  });
  const about = chosen.id === '1';
  await runNode(graph, { id: 'about', type: 'if-else', title: 'About the house?' }, async () => {
    await turn.wait(20);
    const condition = { actual_value: chosen.id, expected_value: '1', comparison_operator: 'is' };
    return {
      inputs: { conditions: [condition] },
      outputs: { result: about, selected_case_id: about ? 'house' : 'false' },
    };
  });
  if (!about) return [];
  await runNode(graph, { id: 'guide', type: 'knowledge-retrieval', title: 'House guide' }, async () => {
    await turn.wait(250);
    const usage = noUsage({ latency: 0, firstToken: null, generate: null });
    return {
      inputs: { query: question },
      processData: { usage },
      outputs: { result: found.map(retrieved) },
      metadata: cost(usage),
    };
  });
  return found;
}

async function write(graph: Graph, draft: Draft): Promise<void> {
  const { turn } = graph;
  const { message, memory, citations, voice } = draft;
  const guest = typeof message.inputs['guest'] === 'string' ? message.inputs['guest'] : '';
  const pieces = piecesFor(turn.magic, (question) => conciergeAnswer(question, guest, citations, memory));
  const prompts = conciergePrompts(turn.magic.text, citations, memory);
  await runNode(graph, { id: 'llm', type: 'llm', title: 'Answer the guest' }, async () => {
    const startedAt = turn.world.now();
    for await (const piece of turn.speak(pieces)) {
      draft.text += piece;
      await tell(turn, message, piece, ['llm', 'text']);
      await voice.heard();
    }
    if (!turn.stopped) await tell(turn, message, '', ['llm', 'text']);
    await turn.linger();
    draft.usage = callUsage(graph, prompts, draft.text, startedAt);
    return modelResult(prompts, draft.text, draft.usage);
  });
}

const tell = (turn: Turn, { id }: Message, answer: string, selector: readonly string[]) =>
  turn.emit('message', { id, answer, from_variable_selector: selector });
