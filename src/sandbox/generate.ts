import type { ServerResponse } from 'node:http';
import { agent } from './agent.ts';
import { chatPieces, memoryOf, titleOf } from './answers.ts';
import { isChat } from './apps.ts';
import { chat, type Outcome } from './chat.ts';
import { chatflow } from './chatflow.ts';
import { seconds } from './clock.ts';
import type { Message } from './conversations.ts';
import { appUnavailable, badGateway, invalidParam, notChatApp, notFound, quotaExceeded, refusal, unknownError } from './errors.ts';
import { bodyOf, requiredUser, sendText, type Call, type Reply } from './http.ts';
import { inputsFor } from './inputs.ts';
import { findMagic, type Magic } from './magic-words.ts';
import { pythonJson } from './python-json.ts';
import { loadRecording, replay } from './replay.ts';
import { aBoolean, aDictionary, aList, aString, aUuid, oneOf, orNull, validate, type FieldRule } from './schema.ts';
import { playScript } from './script.ts';
import { StreamWriter } from './stream-writer.ts';
import { ModelFault, Turn } from './turn.ts';
import { plainPrices } from './usage.ts';
import type { World } from './world.ts';
import { copyFor } from './copywriter.ts';
import { piecesFor } from './answers.ts';

/** How long Dify spends on naming a new conversation before the first byte leaves (observed). */
const namingMs = 1_000;

export const commonRules = {
  inputs: { required: true, check: aDictionary },
  files: { check: orNull(aList) },
  response_mode: { check: orNull(oneOf('blocking', 'streaming')) },
} satisfies Record<string, FieldRule>;

const chatRules = {
  ...commonRules,
  query: { required: true, check: aString },
  conversation_id: { check: orNull(aUuid('conversation_id')) },
  auto_generate_name: { check: aBoolean },
} satisfies Record<string, FieldRule>;

/** `POST /chat-messages` */
export async function askChat(world: World, call: Call): Promise<Reply> {
  if (await scripted(world, call)) return 'taken';
  const { app, response } = call;
  const body = bodyOf(call);
  const user = requiredUser(app, body['user']);
  if (!isChat(app)) throw notChatApp();
  validate('ChatRequestPayload', body, chatRules);
  const query = (body['query'] as string).replaceAll('\0', '');
  const streaming = body['response_mode'] === 'streaming';
  if (app.mode === 'agent-chat' && !streaming) throw invalidParam('Agent Chat App does not support blocking mode');
  const magic = findMagic(query);
  refuseByMagic(magic);
  const id = (body['conversation_id'] as string | null | undefined)?.trim() ?? '';
  const found = id === '' ? undefined : world.conversations.find(app.name, user, id);
  if (id !== '' && found === undefined) throw notFound('Conversation Not Exists.', call.path);
  const inputs = inputsFor(app, body['inputs'] as Record<string, unknown>);
  if (await replayed(world, response, magic)) return 'taken';

  const conversation =
    found ?? world.conversations.open(app.name, user, { name: cutTitle(query), inputs, introduction: app.opening });
  const message = world.conversations.ask(app.name, user, conversation, { query, inputs });
  const naming = found === undefined && body['auto_generate_name'] !== false;
  const turn = openTurn(world, call, { user, magic, streaming, holdMs: naming ? namingMs : 0 });
  turn.envelope = { conversation_id: conversation.id, message_id: message.id, created_at: seconds(message.createdAt) };
  if (naming) void turn.writer.released().then(() => world.conversations.rename(conversation, titleOf(query)));
  const memory = memoryOf(conversation);
  return perform(turn, call, message, async () => {
    if (app.mode === 'agent-chat') return agent(turn, message, memory);
    if (app.mode === 'advanced-chat') return chatflow(turn, message, memory);
    return chat(turn, message, chatPieces(app, magic, memory));
  });
}

/** `POST /completion-messages` */
export async function askCompletion(world: World, call: Call): Promise<Reply> {
  if (await scripted(world, call)) return 'taken';
  const { app } = call;
  const body = bodyOf(call);
  const user = requiredUser(app, body['user']);
  if (app.mode !== 'completion') throw appUnavailable();
  validate('CompletionRequestPayload', body, { ...commonRules, query: { check: aString } });
  const given = body['inputs'] as Record<string, unknown>;
  const magic = findMagic([body['query'], given['product']].filter((part) => typeof part === 'string').join(' '));
  refuseByMagic(magic);
  const inputs = inputsFor(app, given);
  if (await replayed(world, call.response, magic)) return 'taken';
  const query = (body['query'] as string | undefined) ?? '';
  const message = world.conversations.ask(app.name, user, null, { query, inputs });
  const turn = openTurn(world, call, { user, magic, streaming: body['response_mode'] === 'streaming' });
  turn.envelope = { message_id: message.id, created_at: seconds(message.createdAt) };
  return perform(turn, call, message, () => chat(turn, message, piecesFor(magic, () => copyFor(inputs))));
}

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

async function perform(turn: Turn, call: Call, message: Message, produce: () => Promise<Outcome>): Promise<Reply> {
  try {
    const outcome = await produce();
    if (turn.writer.streaming) await turn.writer.end();
    else await sendBlocking(turn, call.response, message, outcome);
  } catch (fault) {
    if (!(fault instanceof ModelFault)) throw fault;
    message.status = 'error';
    message.error = fault.message;
    if (!turn.writer.streaming) throw refusal(400, turn.writer.streaming ? fault.code : 'completion_request_error', fault.message);
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

/** The name a conversation has before it gets a title. */
function cutTitle(query: string): string {
  const characters = [...query];
  if (query === '') return 'New conversation';
  return characters.length > 20 ? `${characters.slice(0, 20).join('')}…` : query;
}
