import { agent } from './agent.ts';
import { chatPieces, piecesFor } from './answers.ts';
import { isChat } from './app.ts';
import { attachmentsOf } from './attachments.ts';
import { chat } from './chat.ts';
import { chatflow } from './chatflow.ts';
import { seconds } from './clock.ts';
import { copyFor } from './copywriter.ts';
import { appUnavailable, invalidParam, notChatApp, notFound } from './errors.ts';
import { bodyOf, requiredUser, type Call, type Reply } from './http.ts';
import { inputsFor } from './inputs.ts';
import { findMagic } from './magic-words.ts';
import { memoryOf, titleOf } from './memory.ts';
import { openTurn, perform, refuseByMagic, replayed, scripted } from './perform.ts';
import { aBoolean, aString, aUuid, generationRules, orNull, validate, type FieldRule } from './schema.ts';
import type { World } from './world.ts';

/** How long Dify spends on naming a new conversation before the first byte leaves (observed). */
const namingMs = 1_000;

const chatRules = {
  ...generationRules,
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
  const inputs = inputsFor(world, app, user, body['inputs'] as Record<string, unknown>);
  const files = attachmentsOf(world, app, user, body['files']);
  if (await replayed(world, response, magic)) return 'taken';

  const conversation =
    found ?? world.conversations.open(app.name, user, { name: cutTitle(query), inputs, introduction: app.opening });
  const message = world.conversations.ask(app.name, user, conversation, { query, inputs, files });
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
  validate('CompletionRequestPayload', body, { ...generationRules, query: { check: aString } });
  const given = body['inputs'] as Record<string, unknown>;
  const magic = findMagic([body['query'], given['product']].filter((part) => typeof part === 'string').join(' '));
  refuseByMagic(magic);
  const inputs = inputsFor(world, app, user, given);
  if (await replayed(world, call.response, magic)) return 'taken';
  const query = (body['query'] as string | undefined) ?? '';
  const message = world.conversations.ask(app.name, user, null, { query, inputs, files: [] });
  const turn = openTurn(world, call, { user, magic, streaming: body['response_mode'] === 'streaming' });
  turn.envelope = { message_id: message.id, created_at: seconds(message.createdAt) };
  return perform(turn, call, message, () =>
    chat(
      turn,
      message,
      piecesFor(magic, (product) => copyFor(inputs, product)),
    ),
  );
}

/** The name a conversation has before it gets a title. */
function cutTitle(query: string): string {
  const characters = [...query];
  if (query === '') return 'New conversation';
  return characters.length > 20 ? `${characters.slice(0, 20).join('')}…` : query;
}
