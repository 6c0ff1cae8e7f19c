import { drawing } from './drawing.ts';
import { filesAtEnd } from './files.ts';
import type { Citation } from './house-guide.ts';
import type { Message } from './message.ts';
import { seconds } from './clock.ts';
import { sendPicture, Voice } from './speech.ts';
import type { Turn } from './turn.ts';
import { noUsage, plainPrices, tokensIn, usageOf, withoutTimes, type Usage } from './usage.ts';

/** What a turn came to: the blocking reply is made of it. */
export interface Outcome {
  readonly answer: string;
  readonly usage: Usage;
  readonly citations: readonly Citation[];
  /** What models thought apart from the answer, by node. */
  readonly reasoning?: Readonly<Record<string, string>>;
  /** The annotation that answered instead of a model. */
  readonly annotation?: object;
}

/** What output moderation puts in the place of an answer. */
export const replacement = 'This answer was replaced by the output moderation of the sandbox.';

/** Chat and completion apps: pieces of text, then `message_end`. A stop looks like an end with zero usage (§8.1). */
export async function chat(turn: Turn, message: Message, pieces: readonly string[]): Promise<Outcome> {
  const voice = new Voice(turn);
  await sendPicture(turn, message);
  const from_variable_selector = turn.world.features.tidy ? [] : null;
  // Once a message owns a file, Dify sends its text as `message_file` as well (§2.5).
  const event = message.files.length > 0 ? 'message_file' : 'message';
  const say = (answer: string) => turn.emit(event, { id: message.id, answer, from_variable_selector });
  let answer = '';
  for await (const piece of turn.speak([...pieces, ...drawing(turn)])) {
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

/** The usage of an easy-UI turn; a stopped one is not counted up to 1.12 (observed: zeros, with unit prices). */
export function usageAtEnd(turn: Turn, query: string, answer: string): Usage {
  const { relay } = turn.world.features;
  const counted = turn.writer.streaming && !turn.stopped;
  const timing = counted ? turn.timing() : { latency: turn.timing().latency, firstToken: null, generate: null };
  if (turn.stopped && !relay) return usageOf(0, 0, timing);
  if (answer === '') return noUsage(timing);
  return usageOf(tokensIn(query), tokensIn(answer), timing);
}

/** Sends `message_end` and keeps the answer; of one that nobody read to the end not in all versions. */
export async function endMessage(
  turn: Turn,
  message: Message,
  outcome: Outcome,
  files: readonly object[] | null = filesAtEnd(turn.world, message.files),
): Promise<void> {
  await turn.emit('message_end', { id: message.id, metadata: metadataOf(turn, outcome), files });
  if (turn.writer.lost && !turn.world.features.keepsUnread) return;
  message.answer = outcome.answer;
  message.citations = outcome.citations;
  message.usage = outcome.usage;
}

/** What is said beside an answer. Which keys are there, and which are null, depends on the kind of app and the version (§2.5). */
function metadataOf(
  turn: Turn,
  { usage, citations: retriever_resources, annotation, reasoning = {} }: Outcome,
): object {
  const { tidy } = turn.world.features;
  const ofGraph = turn.app.mode === 'advanced-chat';
  const nothing = ofGraph || !tidy ? { annotation_reply: null } : {};
  const hit = ofGraph ? {} : { annotation_reply: annotation };
  return {
    ...(annotation === undefined ? nothing : hit),
    retriever_resources,
    usage: tidy && !ofGraph ? withoutTimes(usage) : usage,
    ...(tidy ? { reasoning } : {}),
  };
}

/** The reply to a blocking request (§4.1, §4.2). */
export function blockingReply(turn: Turn, message: Message, outcome: Outcome): object {
  const { id, conversation } = message;
  return {
    event: 'message',
    task_id: turn.taskId,
    id,
    message_id: id,
    ...(conversation === null ? {} : { conversation_id: conversation.id }),
    mode: turn.app.mode,
    answer: outcome.answer,
    metadata: metadataOf(turn, { ...outcome, usage: plainPrices(outcome.usage) }),
    created_at: seconds(message.createdAt),
  };
}
