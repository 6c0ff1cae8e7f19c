import { setTimeout } from 'node:timers/promises';
import { agent } from './agent.ts';
import { annotated } from './annotated.ts';
import { chatPieces, piecesFor } from './answers.ts';
import { isChat, type App } from './app.ts';
import { attachmentsOf, seen } from './attachments.ts';
import { blockingReply, chat, type Outcome } from './chat.ts';
import { chatflow } from './chatflow.ts';
import { seconds } from './clock.ts';
import { copyFor } from './copywriter.ts';
import { appUnavailable, invalidParam, notChatApp, notFound, refusal } from './errors.ts';
import { sayWhatIsSeen } from './file-facts.ts';
import { bodyOf, requiredUser, type Call, type Reply } from './http.ts';
import type { EndUser } from './ids.ts';
import { inputsFor } from './inputs.ts';
import { findMagic } from './magic-words.ts';
import { memoryOf, titleOf } from './memory.ts';
import type { Conversation, Message } from './message.ts';
import { openTurn, perform, refuseByMagic, replayed, scripted } from './perform.ts';
import { versionFor } from './pinned.ts';
import { aBoolean, aString, aUuid, generationRules, orNull, validate, type FieldRule } from './schema.ts';
import type { Turn } from './turn.ts';
import type { World } from './world.ts';

/** How long Dify spends on naming a new conversation before the first byte leaves (observed). */
const namingMs = 1_000;

const chatRules = {
  ...generationRules,
  query: { required: true, check: aString },
  conversation_id: { check: orNull(aUuid('conversation_id')) },
  auto_generate_name: { check: aBoolean },
  workflow_id: { check: orNull(aString) },
} satisfies Record<string, FieldRule>;

/** `POST /chat-messages` */
export async function askChat(world: World, call: Call): Promise<Reply> {
  if (await scripted(world, call)) return 'taken';
  const { app, response, path } = call;
  const body = bodyOf(call);
  const user = requiredUser(app, body['user']);
  if (!isChat(app)) throw notChatApp();
  validate('ChatRequestPayload', body, chatRules);
  const streaming = isStreaming(app, body['response_mode']);
  const magic = findMagic(queryOf(body));
  refuseByMagic(magic);
  const isFlow = app.mode === 'advanced-chat';
  // A worker looks at what it was given when the stream has begun: what is wrong with it is told there (§1.1).
  const late = isFlow && streaming && world.features.relay;
  if (late && world.features.eagerConversations) conversationIn(world, call, user, body);
  const workflowId = isFlow ? versionFor(app, body['workflow_id'], path) : app.workflowId;
  const checked = late ? undefined : question(world, call, user, body);
  if (await replayed(world, response, magic)) return 'taken';
  const naming = !late && checked?.conversation === undefined && body['auto_generate_name'] !== false;
  const turn = openTurn(world, call, { user, magic, streaming, workflowId, holdMs: naming ? namingMs : 0 });
  return perform(
    turn,
    call,
    () => answerTo(turn, checked ?? question(world, call, user, body)),
    (outcome) => blockingReply(turn, turn.message as Message, outcome),
  );
}

const queryOf = (body: Readonly<Record<string, unknown>>) => (body['query'] as string).replaceAll('\0', '');

function isStreaming({ mode }: App, responseMode: unknown): boolean {
  const streaming = responseMode === 'streaming' || (mode === 'agent' && typeof responseMode !== 'string');
  if (streaming) return true;
  if (mode === 'agent-chat') throw invalidParam('Agent Chat App does not support blocking mode');
  if (mode === 'agent') throw refusal(400, 'bad_request', 'Agent App does not support blocking mode.');
  return false;
}

/** A question that has been looked at and found good. */
interface Question extends Pick<Message, 'query' | 'inputs' | 'files'> {
  readonly conversation: Conversation | undefined;
  /** Whether a new conversation gets a title of its own. */
  readonly naming: boolean;
}

function question(world: World, call: Call, user: EndUser, body: Readonly<Record<string, unknown>>): Question {
  const { app } = call;
  return {
    conversation: conversationIn(world, call, user, body),
    query: queryOf(body),
    inputs: inputsFor(world, app, user, body['inputs'] as Record<string, unknown>),
    files: attachmentsOf(world, app, user, body['files']),
    naming: body['auto_generate_name'] !== false,
  };
}

function conversationIn(world: World, { app, path }: Call, user: EndUser, body: Readonly<Record<string, unknown>>) {
  const id = (body['conversation_id'] as string | null | undefined)?.trim() ?? '';
  const found = id === '' ? undefined : world.conversations.find(app.name, user, id);
  if (id !== '' && found === undefined) throw notFound('Conversation Not Exists.', path);
  return found;
}

/** Notes the question and has the app answer it. */
async function answerTo(turn: Turn, { conversation: found, query, inputs, files, naming }: Question): Promise<Outcome> {
  const { world, app, user, magic } = turn;
  const { conversations, uploads } = world;
  const about = { name: cutTitle(query), inputs, introduction: app.opening };
  const conversation = found ?? conversations.open(app.name, user, about);
  const message = conversations.ask(app.name, user, conversation, { query, inputs, files });
  for (const { uploadId } of files) if (uploadId !== null) uploads.mention(uploadId);
  turn.message = message;
  turn.envelope = { conversation_id: conversation.id, message_id: message.id, created_at: seconds(message.createdAt) };
  if (found === undefined && naming) void name(turn, conversation, query);
  const hit = await annotated(turn, message);
  if (hit !== undefined) return hit;
  const memory = memoryOf(conversation);
  const sight = sayWhatIsSeen(files.map((file) => seen(world, file)));
  if (app.mode === 'agent-chat' || app.mode === 'agent') return agent(turn, message, memory);
  if (app.mode === 'advanced-chat') return chatflow(turn, message, memory, sight);
  return chat(turn, message, chatPieces(app, magic, memory, sight));
}

/** Gives a new conversation its title, when what was held back meanwhile has left; a worker holds nothing back. */
async function name(turn: Turn, conversation: Conversation, query: string): Promise<void> {
  await (turn.world.features.relay && turn.app.mode === 'advanced-chat'
    ? setTimeout(namingMs, undefined, { ref: false })
    : turn.writer.released());
  turn.world.conversations.rename(conversation, titleOf(query));
}

/** `POST /completion-messages` */
export async function askCompletion(world: World, call: Call): Promise<Reply> {
  if (await scripted(world, call)) return 'taken';
  const { app } = call;
  const body = bodyOf(call);
  const user = requiredUser(app, body['user']);
  if (app.mode !== 'completion') throw appUnavailable();
  validate('CompletionRequestPayload', body, { ...generationRules, query: { check: aString } });
  const given = body['inputs'] as Record<string, unknown>;
  const magic = findMagic([body['query'], given['product']].filter((part) => typeof part === 'string').join(' '));
  refuseByMagic(magic);
  const inputs = inputsFor(world, app, user, given);
  if (await replayed(world, call.response, magic)) return 'taken';
  const query = (body['query'] as string | undefined) ?? '';
  const message = world.conversations.ask(app.name, user, null, { query, inputs, files: [] });
  const streaming = body['response_mode'] === 'streaming';
  const turn = openTurn(world, call, { user, magic, streaming, workflowId: app.workflowId });
  turn.message = message;
  turn.envelope = { message_id: message.id, created_at: seconds(message.createdAt) };
  const pieces = piecesFor(magic, (product) => copyFor(inputs, product));
  return perform(
    turn,
    call,
    () => chat(turn, message, pieces),
    (outcome) => blockingReply(turn, message, outcome),
  );
}

/** The name a conversation has before it gets a title. */
function cutTitle(query: string): string {
  const characters = [...query];
  if (query === '') return 'New conversation';
  return characters.length > 20 ? `${characters.slice(0, 20).join('')}…` : query;
}
