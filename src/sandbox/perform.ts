import type { ServerResponse } from 'node:http';
import { isGraph } from './app.ts';
import { badGateway, quotaExceeded, Refusal, refusal, unknownError } from './errors.ts';
import { ModelFault } from './faults.ts';
import { sendText, type Call, type Reply } from './http.ts';
import type { Magic } from './magic-words.ts';
import { pythonJson } from './python-json.ts';
import { relay, terminal } from './relay.ts';
import { loadRecording, replay } from './replay.ts';
import { playScript } from './script.ts';
import { endOf, StreamWriter } from './stream-writer.ts';
import { TopicWriter } from './topic-writer.ts';
import { Topic } from './topic.ts';
import { Turn } from './turn.ts';
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
  readonly workflowId: string;
  readonly holdMs?: number;
}

/** Starts the reply, or from 1.13 on for a graph the worker behind it, and makes the run known to the stop calls. */
export function openTurn(world: World, call: Call, { user, magic, streaming, workflowId, holdMs = 0 }: Opening): Turn {
  const { pingMs } = world.settings;
  const { app, response } = call;
  const relayed = world.features.relay && isGraph(app);
  const writer = relayed
    ? new TopicWriter(new Topic(), { streaming, pingMs })
    : new StreamWriter(response, { streaming, pingMs });
  const turn = new Turn({ world, app, user, magic, writer, workflowId });
  if (writer instanceof StreamWriter) {
    writer.open({ 'Content-Type': 'text/event-stream; charset=utf-8' }, holdMs);
    void writer.gone.then((how) => how === 'gone' && world.features.abortsUnread && abandon(turn));
  } else if (streaming) {
    const idleMs = world.settings.relayIdleMs;
    void relay(writer.topic, response, { pingMs, idleMs, endsOn: terminal, passesPings: true });
  } else {
    const ignore = () => undefined;
    const cut = () => void response.socket?.resetAndDestroy();
    const leave = writer.topic.listen({ hear: ignore, silence: ignore, cut });
    void endOf(response).then(leave);
  }
  world.turns.set(turn.taskId, turn);
  return turn;
}

/** An easy-UI run that nobody reads is aborted, from 1.16 on (§8.1). */
function abandon(turn: Turn): void {
  turn.stop();
  if (turn.message === undefined) return;
  turn.message.status = 'error';
  turn.message.error = 'Client response stream closed before app execution completed';
}

/**
 * Makes the answer and ends the reply; a fault becomes an `error` event, or HTTP 400 in blocking mode. A worker is only
 * started: its reply ends by what it says, and a blocking reply ends when it comes to wait for a person.
 */
export async function perform<T>(
  turn: Turn,
  call: Call,
  produce: () => Promise<T>,
  replyOf: (made: T) => object,
): Promise<Reply> {
  const { writer } = turn;
  const work = attempt(turn, produce);
  if (writer.streaming) {
    if (!(writer instanceof TopicWriter)) await work;
    return 'taken';
  }
  work.catch(() => undefined); // after a pause nobody is there to be told
  const reply = await Promise.race([work.then((made) => replyOf(made as T)), turn.paused]);
  await writer.released();
  sendText(call.response, 200, pythonJson(reply), { 'Content-Type': 'application/json; charset=utf-8' });
  return 'taken';
}

async function attempt<T>(turn: Turn, produce: () => Promise<T>): Promise<T | undefined> {
  const { writer, world, taskId } = turn;
  let made: T | undefined;
  try {
    made = await produce();
  } catch (fault) {
    await report(turn, fault);
  } finally {
    world.turns.delete(taskId);
    if (writer instanceof TopicWriter) await writer.end();
  }
  if (writer.streaming) await writer.end();
  return made;
}

async function report(turn: Turn, fault: unknown): Promise<void> {
  const { writer, message, world } = turn;
  if (message !== undefined && fault instanceof ModelFault) {
    message.status = 'error';
    message.error = fault.message;
  }
  if (!writer.streaming && fault instanceof ModelFault) {
    // Without a stream even a rate limit is a mere 400 (observed); a failed chatflow is `invalid_param`.
    throw refusal(400, fault.code === 'invalid_param' ? fault.code : 'completion_request_error', fault.message);
  }
  if (writer.streaming && fault instanceof ModelFault) return turn.emitError(fault);
  if (!writer.streaming || !(writer instanceof TopicWriter)) throw fault;
  // What a worker stumbles over is told without a code, whatever it was; in 1.13 it is not told at all (§2.5).
  if (!world.features.humanInput) return;
  await writer.send({ event: 'error', message: textOf(fault), status: 500 });
}

const textOf = (fault: unknown) =>
  fault instanceof Refusal ? fault.text : 'Internal Server Error, please contact support.';
