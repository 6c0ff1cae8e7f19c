import type { DifyApp } from '../dify/dify-app.ts';
import type { MessageRecord } from '../dify/records.ts';

/** How far back a message is looked for: pages of 100. */
const MOST_PAGES = 10;

/** A message of a user's as Dify has it, its files signed anew. Dify has no call for a single one: it is looked for from the newest back. */
export async function findMessage(
  dify: DifyApp,
  { messageId, ...of }: { readonly user: string; readonly conversationId: string; readonly messageId: string },
): Promise<MessageRecord | null> {
  let before = {};
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, hasMore } = await dify.messages({ ...of, limit: 100, ...before });
    const found = items.find(({ id }) => id === messageId);
    if (found) return found;
    const [oldest] = items;
    if (!hasMore || !oldest) return null;
    before = { firstId: oldest.id };
  }
  return null;
}
