import type { Page } from '../dify/records.ts';
import { decodeCursor, encodeCursor, foreignCursor, type Connection } from './paging.ts';

/** A list that Dify cuts into numbered pages, newest first. */
export interface NumberedList<T> {
  /** Pages count from 1; `hasMore` must be true to the fact. */
  readonly fetch: (page: number, limit: number) => Promise<Page<T>>;
  readonly id: (item: T) => string;
}

/** Dify counts no further. */
export const LAST_PAGE = 99_999;

/**
 * Walks such a list. A cursor is [how many came up to here, the id of the last one]: what has come in at the front meanwhile pushes
 * items back, and those seen before are left out; what was deleted meanwhile may leave a gap, as pages by number do.
 */
export async function pageByNumber<T>(
  list: NumberedList<T>,
  size: number,
  cursor: string | null | undefined,
): Promise<{ edges: Connection<T>['edges']; more: boolean }> {
  const [passed, last] = cursor == null ? [0, null] : readCursor(cursor);
  const edges: Connection<T>['edges'] = [];
  for (let page = Math.floor(passed / size) + 1; page <= LAST_PAGE; page += 1) {
    const { items, hasMore } = await list.fetch(page, size);
    const before = (page - 1) * size;
    const seen = items.findIndex((item) => list.id(item) === last) + 1;
    // If the last one itself is gone, what came after it has taken its place.
    const known = seen > 0 ? before + seen : passed - 1;
    for (const [index, node] of items.entries()) {
      const place = before + index + 1;
      if (place <= known) continue;
      if (edges.length === size) return { edges, more: true };
      edges.push({ cursor: encodeCursor([place, list.id(node)]), node });
    }
    if (!hasMore || edges.length === size) return { edges, more: hasMore };
  }
  return { edges, more: false };
}

function readCursor(cursor: string): readonly [passed: number, last: string] {
  const [passed, last] = decodeCursor(cursor);
  if (Number.isSafeInteger(passed) && (passed as number) >= 0 && typeof last === 'string')
    return [passed as number, last];
  throw foreignCursor();
}
