import { randomUUID } from 'node:crypto';
import { dateTime } from './clock.ts';
import { invalidParam, notFound } from './errors.ts';
import { bodyOf, json, requiredUser, success, type Call, type Reply } from './http.ts';
import type { Message } from './message.ts';
import { aString, between, oneOf, orNull, validate } from './schema.ts';
import type { World } from './world.ts';

/** `POST /messages/{id}/feedbacks` */
export function giveFeedback(world: World, call: Call): Reply {
  const { app, params, path } = call;
  const body = bodyOf(call);
  const user = requiredUser(app, body['user']);
  validate('MessageFeedbackPayload', body, {
    rating: { check: orNull(oneOf('like', 'dislike')) },
    content: { check: orNull(aString) },
  });
  const message = world.conversations.findMessage(app.name, user, params['message'] ?? '');
  if (message === undefined) throw notFound('Message Not Exists.', path);
  const rating = (body['rating'] ?? null) as 'like' | 'dislike' | null;
  if (rating === null && message.feedback === null) {
    throw invalidParam('rating cannot be None when feedback not exists');
  }
  world.conversations.rate(message, rating === null ? null : feedbackOf(world, message, rating, body['content']));
  return success;
}

/** A second rating changes the first, content included: one that is not sent is gone (§1.16). */
function feedbackOf(world: World, { feedback }: Message, rating: 'like' | 'dislike', content: unknown) {
  const now = world.now();
  const { id = randomUUID(), createdAt = now } = feedback ?? {};
  return { id, createdAt, updatedAt: now, rating, content: (content ?? null) as string | null };
}

/** `GET /app/feedbacks`: of all users, newest first; nothing tells whether there are more. */
export function listFeedbacks(world: World, { app, query }: Call): Reply {
  validate('FeedbackListQuery', Object.fromEntries(query), {
    page: { check: between(1, 99_999) },
    limit: { check: between(1, 101) },
  });
  const page = Number(query.get('page') ?? 1);
  const limit = Number(query.get('limit') ?? 20);
  const rated = world.conversations.rated(app.name).slice((page - 1) * limit, page * limit);
  return json({ data: rated.map((message) => feedbackItem(app.id, message)) });
}

function feedbackItem(appId: string, message: Message): object {
  const { id, conversation, userId, feedback } = message;
  return {
    id: feedback?.id,
    app_id: appId,
    conversation_id: conversation?.id ?? null,
    message_id: id,
    rating: feedback?.rating,
    content: feedback?.content ?? null,
    from_source: 'user',
    from_end_user_id: userId,
    from_account_id: null,
    created_at: dateTime(feedback?.createdAt ?? 0),
    updated_at: dateTime(feedback?.updatedAt ?? 0),
  };
}
