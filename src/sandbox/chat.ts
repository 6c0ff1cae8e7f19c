import type { Message } from './message.ts';
import { filesAtEnd } from './files.ts';
import { sendPicture, Voice } from './speech.ts';
import type { Turn } from './turn.ts';
import { noUsage, tokensIn, usageOf, type Usage } from './usage.ts';
import type { Citation } from './house-guide.ts';

/** What a turn came to: the blocking reply is made of it. */
export interface Outcome {
  readonly answer: string;
  readonly usage: Usage;
  readonly citations: readonly Citation[];
}

/** What output moderation puts in the place of an answer. */
export const replacement = 'This answer was replaced by the output moderation of the sandbox.';

/** Chat and completion apps: pieces of text, then `message_end`. A stop looks like an end with zero usage (§8.1). */
export async function chat(turn: Turn, message: Message, pieces: readonly string[]): Promise<Outcome> {
  const voice = new Voice(turn);
  const withFile = (await sendPicture(turn, message)) !== undefined;
  // Once a message owns a file, Dify sends its text as `message_file` as well (§2.5).
  const say = (answer: string) =>
    turn.emit(withFile ? 'message_file' : 'message', { id: message.id, answer, from_variable_selector: null });
  let answer = '';
  for await (const piece of turn.speak(pieces)) {
    answer += piece;
    await say(piece);
    await voice.heard();
  }
  if (!turn.stopped) await say('');
  if (turn.magic.words.has('!replace') && !turn.stopped) {
    answer = replacement;
    await turn.emit('message_replace', { answer, reason: '' });
  }
  await turn.linger();
  const outcome = { answer, usage: usageAtEnd(turn, message.query, answer), citations: [] };
  await endMessage(turn, message, outcome);
  await voice.finish();
  return outcome;
}

/** The usage of an easy-UI turn; a stopped one is not counted (observed: zeros, with unit prices). */
export function usageAtEnd(turn: Turn, query: string, answer: string): Usage {
  const counted = turn.writer.streaming && !turn.stopped;
  const timing = counted ? turn.timing() : { latency: turn.timing().latency, firstToken: null, generate: null };
  if (turn.stopped) return usageOf(0, 0, timing);
  if (answer === '') return noUsage(timing);
  return usageOf(tokensIn(query), tokensIn(answer), timing);
}

/** Sends `message_end` and keeps the answer, unless nobody was there to read it to the end (observed: it stays empty). */
export async function endMessage(
  turn: Turn,
  message: Message,
  { answer, usage, citations }: Outcome,
  files: readonly object[] | null = filesAtEnd(turn.world, message.files),
): Promise<void> {
  await turn.emit('message_end', {
    id: message.id,
    metadata: { annotation_reply: null, retriever_resources: citations, usage },
    files,
  });
  if (turn.writer.lost) return;
  message.answer = answer;
  message.citations = citations;
}
