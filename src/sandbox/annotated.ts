import { endMessage, type Outcome } from './chat.ts';
import { fixedId } from './ids.ts';
import type { Message } from './message.ts';
import type { Turn } from './turn.ts';
import { noUsage } from './usage.ts';

/** Answers with an annotation, if one fits the question: the whole answer in one `message`, and no model (§2.4). */
export async function annotated(turn: Turn, message: Message): Promise<Outcome | undefined> {
  const { world, app } = turn;
  const hit = world.annotations.answering(app.name, message.query, world.now());
  if (hit === undefined) return undefined;
  const { id, answer } = hit;
  const from_variable_selector = world.features.tidy ? [] : null;
  await turn.emit('message', { id: message.id, answer, from_variable_selector });
  const annotation = { id, account: { id: fixedId('account'), name: 'sandbox' } };
  const usage = noUsage({ latency: turn.timing().latency, firstToken: null, generate: null });
  const outcome = { answer, usage, citations: [], annotation };
  await endMessage(turn, message, outcome, app.mode === 'advanced-chat' ? [] : undefined);
  return outcome;
}
