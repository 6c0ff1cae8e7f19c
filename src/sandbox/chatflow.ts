import { randomUUID } from 'node:crypto';
import { piecesFor } from './answers.ts';
import { book, wantsToBook } from './booking.ts';
import { endMessage, replacement, type Outcome } from './chat.ts';
import { classes, conciergeAnswer, conciergePrompts } from './concierge.ts';
import { remember } from './conversation-variables.ts';
import { say, type Draft } from './draft.ts';
import { drawing } from './drawing.ts';
import { ModelFault } from './faults.ts';
import { graphFile } from './files.ts';
import { Graph, systemInputs } from './graph.ts';
import { lookUp, retrieved, type Citation } from './house-guide.ts';
import type { Memory } from './memory.ts';
import type { Message } from './message.ts';
import { callUsage, cost, modelResult, think } from './model-node.ts';
import { runNode } from './node.ts';
import { startNode } from './open-workflow.ts';
import { sendPicture, Voice } from './speech.ts';
import type { Turn } from './turn.ts';
import { noUsage } from './usage.ts';

/** What the answer node adds to the model's text, as a piece of its own; the first version of the graph did not. */
const signature = '\n\n— Your concierge';

/**
 * The concierge: start → classifier → if-else → [retrieval] → model → [a person] → assigner → answer. Up to 1.12 it ends with
 * `workflow_finished`, then `message_end`, from 1.13 on the other way round; a failed run ends with `error` instead (§2.4).
 */
export async function chatflow(turn: Turn, message: Message, memory: Memory, sight: string): Promise<Outcome> {
  const graph = openGraph(turn, message, memory);
  const voice = new Voice(turn);
  const draft: Draft = { message, memory, sight, voice, text: '', usage: undefined, citations: [], reasoning: {} };
  const picture = await sendPicture(turn, message);
  const files = picture === undefined ? [] : [graphFile(turn.world, picture)];
  let outcome: Outcome | undefined;
  const end = async () => (outcome = await endAnswer(graph, draft, files));

  await graph.execute(
    async () => {
      await startNode(graph);
      draft.citations = await look(graph, turn.magic.text);
      await write(graph, draft);
      if (isBooking(turn)) await book(graph, draft);
      await runNode(graph, { id: 'remember', type: 'assigner', title: 'Remember' }, () =>
        remember(turn, message, draft.citations),
      );
      if (!turn.isOld) await say(graph, draft, signature, ['answer', 'answer']);
      const outputs = { answer: draft.text, files };
      await runNode(graph, { id: 'answer', type: 'answer', title: 'Answer' }, () => ({ outputs }));
      return outputs;
    },
    { files, ...(turn.world.features.relay ? { before: async () => void (await end()) } : {}) },
  );

  const { status, error } = graph.run;
  if (status === 'failed') throw new ModelFault('invalid_param', 400, `Run failed: ${error ?? ''}`);
  outcome ??= await end();
  await voice.finish();
  return outcome;
}

function openGraph(turn: Turn, message: Message, memory: Memory): Graph {
  const id = randomUUID();
  const files = message.files.map((file) => graphFile(turn.world, file));
  const inputs = { ...message.inputs, ...systemInputs(turn, id, files), 'sys.query': message.query };
  const count = { 'sys.dialogue_count': memory.length + 1 };
  const all = { ...inputs, 'sys.conversation_id': message.conversation?.id, ...count };
  return new Graph(turn, id, { ...inputs, ...count }, all);
}

const isBooking = ({ world, magic }: Turn) => world.features.humanInput && wantsToBook(magic.text);

/** What comes when the nodes are done: moderation, if it is asked for, and `message_end`. */
async function endAnswer({ turn, run }: Graph, draft: Draft, files: readonly object[]): Promise<Outcome> {
  const { message } = draft;
  if (turn.magic.words.has('!replace') && run.status === 'succeeded') {
    draft.text = replacement;
    await turn.emit('message_replace', { answer: draft.text, reason: 'output_moderation' });
  }
  const outcome = outcomeOf(turn, draft, run.status === 'stopped');
  await endMessage(turn, message, outcome, files);
  return outcome;
}

/** A stopped turn is not counted and cites nothing. */
function outcomeOf(turn: Turn, { text, usage, citations, reasoning }: Draft, stopped: boolean): Outcome {
  const { firstToken, generate } = turn.timing();
  if (stopped || usage === undefined) {
    return { answer: text, usage: noUsage({ latency: 0, firstToken, generate }), citations: [] };
  }
  const times = { time_to_first_token: firstToken, time_to_generate: generate };
  return { answer: text, usage: { ...usage, ...times }, citations, reasoning };
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
  const { message, memory, citations, voice, sight } = draft;
  const guest = typeof message.inputs['guest'] === 'string' ? message.inputs['guest'] : '';
  const about = { guest, citations, memory, sight, booking: isBooking(turn) };
  const pieces = piecesFor(turn.magic, (question) => conciergeAnswer(question, about));
  const prompts = conciergePrompts(turn.magic.text, citations, memory);
  const thought = `The house guide has ${citations.length} passage${citations.length === 1 ? '' : 's'} on that.`;
  await runNode(graph, { id: 'llm', type: 'llm', title: 'Answer the guest' }, async () => {
    const startedAt = turn.world.now();
    const reasoning = await think(graph, 'llm', thought);
    if (reasoning !== '') draft.reasoning = { llm: reasoning };
    for await (const piece of turn.speak([...pieces, ...drawing(turn)])) {
      await say(graph, draft, piece, ['llm', 'text']);
      await voice.heard();
    }
    if (!turn.stopped) await say(graph, draft, '', ['llm', 'text']);
    await turn.linger();
    draft.usage = callUsage(graph, prompts, draft.text, startedAt);
    return modelResult(prompts, draft.text, draft.usage, reasoning);
  });
}
