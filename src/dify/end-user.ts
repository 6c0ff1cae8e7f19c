import { id, text, textOrNull, type Json } from './coerce.ts';
import { epochSeconds } from './time.ts';

/** `GET /end-users/{id}` (§1.30, since Dify 1.13): who one of Dify's own user ids is. Times are epoch seconds. */
export interface EndUserRecord {
  readonly id: string;
  readonly appId: string | null;
  /** `service-api`, `browser` …; an open set. */
  readonly type: string;
  /** The `user` that was sent. */
  readonly externalUserId: string | null;
  readonly sessionId: string | null;
  readonly name: string | null;
  readonly isAnonymous: boolean;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** Null if this is no end user. */
export function parseEndUser(from: Json): EndUserRecord | null {
  const userId = id(from['id']);
  if (userId === null) return null;
  return {
    id: userId,
    appId: id(from['app_id']),
    type: text(from['type']),
    externalUserId: textOrNull(from['external_user_id']),
    sessionId: textOrNull(from['session_id']),
    name: id(from['name']),
    isAnonymous: from['is_anonymous'] === true,
    createdAt: epochSeconds(from['created_at']),
    updatedAt: epochSeconds(from['updated_at']),
  };
}
