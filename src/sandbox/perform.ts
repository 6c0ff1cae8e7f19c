import type { ServerResponse } from 'node:http';
import type { Outcome } from './chat.ts';
import { seconds } from './clock.ts';
import { badGateway, quotaExceeded, refusal, unknownError } from './errors.ts';
import { ModelFault } from './faults.ts';
import { sendText, type Call, type Reply } from './http.ts';
import type { Magic } from './magic-words.ts';
import type { Message } from './message.ts';
import { pythonJson } from './python-json.ts';
import { loadRecording, replay } from './replay.ts';
import { playScript } from './script.ts';
import { StreamWriter } from './stream-writer.ts';
import { Turn } from './turn.ts';
import { plainPrices } from './usage.ts';
import type { World } from './world.ts';

/** Plays the reply a test has laid out for this app, if any. */
export async function scripted(world: World, call: Call): Promise<boolean> {
  const script = world.scripts.take(call.app.name);
  if (script === undefined) return false;
  await playScript(call.response, script);
  return true;
}

/** The faults that come before anything is said. */
export function refuseByMagic({ words }: Magic): void {
  if (words.has('!refuse')) throw quotaExceeded();
  if (words.has('!500')) throw unknownError();
  if (words.has('!502')) throw badGateway();
}

/** Replays the recording that `!replay` names, if it is there. */
export async function replayed(world: World, response: ServerResponse, { words }: Magic): Promise<boolean> {
  const name = words.get('!replay');
  if (name === undefined) return false;
  const recording = await loadRecording(world.settings.recordings, name);
  await replay(response, recording, words.has('!fast') ? 0 : world.settings.pace);
  return true;
}

interface Opening {
  readonly user: Turn['user'];
  readonly magic: Magic;
  readonly streaming: boolean;
  readonly holdMs?: number;
}

/** Starts the reply and makes the run known to the stop calls. */
export function openTurn(world: World, call: Call, { user, magic, streaming, holdMs = 0 }: Opening): Turn {
  const writer = new StreamWriter(call.response, { streaming, pingMs: world.settings.pingMs });
  const turn = new Turn({ world, app: call.app, user, magic, writer });
  writer.open({ 'Content-Type': 'text/event-stream; charset=utf-8' }, holdMs);
  world.turns.set(turn.taskId, turn);
  return turn;
}

/** Makes the answer and ends the reply; a fault becomes an `error` event, or HTTP 400 in blocking mode. */
export async function perform(
  turn: Turn,
  call: Call,
  message: Message,
  produce: () => Promise<Outcome>,
): Promise<Reply> {
  try {
    const outcome = await produce();
    if (turn.writer.streaming) await turn.writer.end();
    else await sendBlocking(turn, call.response, message, outcome);
  } catch (fault) {
    if (!(fault instanceof ModelFault)) throw fault;
    message.status = 'error';
    message.error = fault.message;
    // Without a stream even a rate limit is a mere 400 (observed); a failed chatflow is `invalid_param`.
    const code = fault.code === 'invalid_param' ? fault.code : 'completion_request_error';
    if (!turn.writer.streaming) throw refusal(400, code, fault.message);
    await turn.emitError(fault);
    await turn.writer.end();
  } finally {
    turn.world.turns.delete(turn.taskId);
  }
  return 'taken';
}

async function sendBlocking(turn: Turn, response: ServerResponse, message: Message, outcome: Outcome): Promise<void> {
  await turn.writer.released();
  const reply = {
    event: 'message',
    task_id: turn.taskId,
    id: message.id,
    message_id: message.id,
    ...(message.conversation === null ? {} : { conversation_id: message.conversation.id }),
    mode: turn.app.mode,
    answer: outcome.answer,
    metadata: { annotation_reply: null, retriever_resources: outcome.citations, usage: plainPrices(outcome.usage) },
    created_at: seconds(message.createdAt),
  };
  sendText(response, 200, pythonJson(reply), { 'Content-Type': 'application/json; charset=utf-8' });
}
