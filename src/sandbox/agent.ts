import { randomUUID } from 'node:crypto';
import { piecesFor } from './answers.ts';
import { endMessage, replacement, usageAtEnd, type Outcome } from './chat.ts';
import { drawing } from './drawing.ts';
import { asksForHelp } from './help.ts';
import type { Memory } from './memory.ts';
import type { Message, Thought } from './message.ts';
import { piecesOf } from './pieces.ts';
import { pythonJson } from './python-json.ts';
import { conclusion, planFor, type ToolUse } from './research.ts';
import { sendPicture, Voice } from './speech.ts';
import type { Turn } from './turn.ts';

/**
 * The researcher, by function calling: a round with tools, then a round with the answer. Each step is an `agent_thought` that is
 * sent again, under the same id, whenever there is more of it (§2.4). The companion, of the new kind, does the same in larger
 * pieces and then says its whole answer once more, in one `message`.
 */
export async function agent(turn: Turn, message: Message, memory: Memory): Promise<Outcome> {
  const voice = new Voice(turn);
  const { words, text } = turn.magic;
  const exact = words.has('!echo') || words.has('!long') || asksForHelp(text);
  const plan = planFor(text);
  const said: string[] = [];
  const isNew = turn.app.mode === 'agent';
  if (!exact && plan.uses.length > 0) said.push(await useTools(turn, message, plan));

  if (!turn.stopped) {
    const thought = await think(turn, message, said.length + 1);
    const answer = await say(
      turn,
      message,
      paced(turn, [...piecesFor(turn.magic, () => conclusion(plan.uses, text, memory)), ...drawing(turn)]),
      voice,
    );
    if (!turn.stopped) {
      thought.thought = answer;
      await tell(turn, thought);
    }
    said.push(answer);
  }
  let answer = said.join(isNew ? '' : '\n');
  if (isNew && !turn.stopped) await turn.emit('message', { id: message.id, answer, from_variable_selector: [] });
  if (turn.magic.words.has('!replace') && !turn.stopped) {
    answer = replacement;
    await turn.emit('message_replace', { answer, reason: '' });
  }
  await turn.linger();
  const outcome = { answer, usage: usageAtEnd(turn, message.query, answer), citations: [] };
  await endMessage(turn, message, outcome);
  if (turn.stopped && turn.world.features.abortsUnread) message.answer = '';
  await voice.finish();
  return outcome;
}

/** The pieces as this kind of agent lets them out: the new kind waits until a few have come together. */
function paced(turn: Turn, pieces: readonly string[]): readonly string[] {
  if (turn.app.mode !== 'agent') return pieces;
  return pieces.flatMap((_, index) => (index % 4 === 0 ? [pieces.slice(index, index + 4).join('')] : []));
}

async function useTools(
  turn: Turn,
  message: Message,
  plan: { intention: string; uses: readonly ToolUse[] },
): Promise<string> {
  const thought = await think(turn, message, 1);
  let said = '';
  const isNew = turn.app.mode === 'agent';
  for (const piece of paced(turn, piecesOf(isNew ? `${plan.intention}\n\n` : plan.intention))) {
    if (turn.stopped) return said;
    said += piece;
    await turn.emit('agent_message', { id: message.id, answer: piece });
    await turn.wait(40);
  }
  if (!isNew) await turn.emit('agent_message', { id: message.id, answer: '' });
  const { uses } = plan;
  thought.thought = said;
  thought.tool = uses.map(({ tool }) => tool).join(';');
  thought.toolLabels = Object.fromEntries(uses.map(({ tool, label }) => [tool, { en_US: label, zh_Hans: label }]));
  thought.toolInput = pythonJson(Object.fromEntries(uses.map(({ tool, input }) => [tool, input])), false);
  await tell(turn, thought);
  await turn.wait(400);
  if (turn.stopped) return said;
  const picture = await sendPicture(turn, message);
  if (picture !== undefined) thought.files = [picture.id];
  thought.observation = pythonJson(Object.fromEntries(uses.map(({ tool, result }) => [tool, result])), false);
  await tell(turn, thought);
  return said;
}

/** Opens a step: a thought that is still blank. */
async function think(turn: Turn, message: Message, position: number): Promise<Thought> {
  const blank: Thought = {
    id: randomUUID(),
    position,
    createdAt: turn.world.now(),
    thought: '',
    tool: '',
    toolLabels: {},
    toolInput: '',
    observation: '',
    files: [],
  };
  message.thoughts.push(blank);
  await tell(turn, blank);
  return blank;
}

async function say(turn: Turn, message: Message, pieces: readonly string[], voice: Voice): Promise<string> {
  let answer = '';
  for await (const piece of turn.speak(pieces)) {
    answer += piece;
    await turn.emit('agent_message', { id: message.id, answer: piece });
    await voice.heard();
  }
  if (!turn.stopped && turn.app.mode !== 'agent') await turn.emit('agent_message', { id: message.id, answer: '' });
  return answer;
}

async function tell(
  turn: Turn,
  { id, position, thought, observation, tool, toolLabels, toolInput, files }: Thought,
): Promise<void> {
  await turn.emit('agent_thought', {
    id,
    position,
    thought,
    observation,
    tool,
    tool_labels: toolLabels,
    tool_input: toolInput,
    message_files: files,
  });
}
