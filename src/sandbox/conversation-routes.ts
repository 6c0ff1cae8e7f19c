import { isChat } from './app.ts';
import { seconds } from './clock.ts';
import type { Conversation } from './message.ts';
import { invalidParam, notChatApp, notFound } from './errors.ts';
import { bodyOf, json, optionalUser, type Call, type Reply } from './http.ts';
import { titleOf } from './memory.ts';
import { pageOf } from './pages.ts';
import { pythonRepr } from './python-json.ts';
import { aBoolean, aString, aUuid, between, oneOf, orNull, validate } from './schema.ts';
import type { World } from './world.ts';

/** `GET /conversations` (§6.2) */
export function listConversations(world: World, { app, query, path }: Call): Reply {
  if (!isChat(app)) throw notChatApp();
  const user = optionalUser(app, query.get('user'));
  const sorts = ['created_at', '-created_at', 'updated_at', '-updated_at'];
  validate('ConversationListQuery', Object.fromEntries(query), {
    last_id: { check: aUuid('last_id') },
    limit: { check: between(1, 100) },
    sort_by: { check: oneOf(...sorts) },
  });
  const limit = Number(query.get('limit') ?? 20);
  const sort = query.get('sort_by') ?? '-updated_at';
  const lastId = query.get('last_id') ?? '';
  const after = lastId === '' ? undefined : world.conversations.find(app.name, user, lastId);
  if (lastId !== '' && after === undefined) throw notFound('Last Conversation Not Exists.', path);
  const page = pageOf(world.conversations.of(user), {
    by: (one) => (sort.endsWith('created_at') ? one.createdAt : one.updatedAt),
    descending: sort.startsWith('-'),
    after,
    limit,
  });
  return json({ limit, has_more: page.hasMore, data: page.rows.map(conversationItem) });
}

/** `DELETE /conversations/{id}`, which wants a JSON body. */
export function deleteConversation(world: World, call: Call): Reply {
  const user = optionalUser(call.app, bodyOf(call)['user']);
  world.conversations.remove(conversationOf(world, call, user));
  return 'no content';
}

/** `POST /conversations/{id}/name` */
export function renameConversation(world: World, call: Call): Reply {
  const body = bodyOf(call);
  const user = optionalUser(call.app, body['user']);
  if (!isChat(call.app)) throw notChatApp();
  validate('ConversationRenamePayload', body, { name: { check: orNull(aString) }, auto_generate: { check: aBoolean } });
  const name = ((body['name'] as string | null | undefined) ?? '').trim();
  const auto = body['auto_generate'] === true;
  if (!auto && name === '') {
    throw invalidParam(
      '1 validation error for ConversationRenamePayload\n' +
        `  Value error, name is required when auto_generate is false [type=value_error, input_value=${pythonRepr(body)}, ` +
        'input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.10/v/value_error',
    );
  }
  const conversation = conversationOf(world, call, user);
  const first = conversation.messages[0];
  if (auto && first === undefined) throw invalidParam('');
  world.conversations.rename(conversation, auto ? titleOf(first?.query ?? '') : (body['name'] as string));
  return json(conversationItem(conversation));
}

/** The conversation in the path, which must be this user's. */
export function conversationOf(world: World, call: Call, user: ReturnType<typeof optionalUser>): Conversation {
  if (!isChat(call.app)) throw notChatApp();
  const found = world.conversations.find(call.app.name, user, call.params['conversation'] ?? '');
  if (found === undefined) throw notFound('Conversation Not Exists.', call.path);
  return found;
}

function conversationItem(conversation: Conversation): object {
  const { id, name, inputs, introduction, createdAt, updatedAt } = conversation;
  const status = 'normal';
  return { id, name, inputs, status, introduction, created_at: seconds(createdAt), updated_at: seconds(updatedAt) };
}
