import { GatewayError } from '../errors.ts';
import type { Page } from '../dify/records.ts';
import { isUuid } from './ids.ts';

/** A page as the Relay connection specification has it. */
export interface Connection<T> {
  readonly edges: { readonly cursor: string; readonly node: T }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

export function connection<T>(
  edges: Connection<T>['edges'],
  hasNextPage: boolean,
  hasPreviousPage: boolean,
): Connection<T> {
  return {
    edges,
    pageInfo: {
      hasNextPage,
      hasPreviousPage,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** Dify's own limit for a page. */
const MOST = 100;

export function pageSize(argument: string, value: number | null | undefined, standard: number): number {
  const size = value ?? standard;
  if (size >= 1 && size <= MOST) return size;
  throw new GatewayError('BAD_USER_INPUT', `\`${argument}\` must be from 1 to ${MOST}.`);
}

export function encodeCursor(content: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

export function decodeCursor(cursor: string): unknown[] {
  try {
    const content: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(content)) return content;
  } catch {
    // Falls through: not one of ours.
  }
  throw foreignCursor();
}

export function foreignCursor(): GatewayError {
  return new GatewayError(
    'BAD_USER_INPUT',
    'This cursor did not come from here: pass one from `pageInfo` or an edge of the same list.',
  );
}

/** A list of Dify's that is cut by time. */
export interface TimedList<T> {
  /** Items strictly beyond the one with id `anchor`, nearest first; from the beginning when it is null. */
  readonly fetch: (anchor: string | null, limit: number) => Promise<Page<T>>;
  readonly id: (item: T) => string;
  /** The time that the list is sorted by, in seconds. */
  readonly second: (item: T) => number;
  readonly newestFirst: boolean;
}

/**
 * Walks a list that Dify cuts by time, strictly: rows with the very time of the last one seen are lost at the edge of its pages
 * (§6.2, §6.3), and times come in whole seconds. So the next page is asked for from the last item of an *earlier* second, and
 * what was seen of the cursor's second is left out: no gap, no repeat. A cursor is [anchor, second, ids seen in that second].
 */
export async function pageByTime<T>(
  list: TimedList<T>,
  size: number,
  cursor: string | null | undefined,
): Promise<{ edges: Connection<T>['edges']; more: boolean }> {
  let at = cursor == null ? start : readCursor(cursor);
  const edges: Connection<T>['edges'] = [];
  for (;;) {
    // One more than wanted shows whether there is more: what Dify says of it leaves out rows that tie with the last.
    const limit = Math.min(MOST, size - edges.length + at.seen.length + 1);
    const { items, hasMore } = await fetchFrom(list, at.anchor, limit);
    const fresh = items.filter((item) => isBeyond(list, item, at));
    const shown = fresh.slice(0, size - edges.length);
    for (const node of shown) {
      at = stepTo(list, node, at);
      edges.push({ cursor: encodeCursor([at.anchor, at.second, at.seen]), node });
    }
    if (fresh.length > shown.length || (hasMore && edges.length === size)) return { edges, more: true };
    const last = items.at(-1);
    const ended = !hasMore && (items.length < limit || fresh.length === 0);
    if (ended || last === undefined) return { edges, more: false };
    // Nothing new on a whole page: a second with more items than that can only be walked as Dify does it.
    if (fresh.length === 0) at = { ...at, anchor: list.id(last), seen: at.seen.filter((id) => !has(list, items, id)) };
  }
}

interface Position {
  readonly anchor: string | null;
  readonly second: number | null;
  readonly seen: readonly string[];
}

const start: Position = { anchor: null, second: null, seen: [] };

/** If the item that the page hangs on is gone, it begins again: what comes before the cursor's time is left out anyway. */
async function fetchFrom<T>(list: TimedList<T>, anchor: string | null, limit: number): Promise<Page<T>> {
  try {
    return await list.fetch(anchor, limit);
  } catch (error) {
    if (anchor === null || !(error instanceof GatewayError) || error.code !== 'NOT_FOUND') throw error;
    return list.fetch(null, MOST);
  }
}

function isBeyond<T>(list: TimedList<T>, item: T, { second, seen }: Position): boolean {
  if (second === null) return true;
  const ahead = (list.second(item) - second) * (list.newestFirst ? -1 : 1);
  return ahead > 0 || (ahead === 0 && !seen.includes(list.id(item)));
}

function stepTo<T>(list: TimedList<T>, item: T, { anchor, second, seen }: Position): Position {
  const [at, id] = [list.second(item), list.id(item)];
  return at === second
    ? { anchor, second, seen: [...seen, id] }
    : { anchor: seen.at(-1) ?? anchor, second: at, seen: [id] };
}

function has<T>(list: TimedList<T>, items: readonly T[], id: string): boolean {
  return items.some((item) => list.id(item) === id);
}

function readCursor(cursor: string): Position {
  const [anchor, second, seen] = decodeCursor(cursor);
  const isAnchor = anchor === null || isUuid(anchor);
  if (isAnchor && typeof second === 'number' && Array.isArray(seen) && seen.every(isUuid))
    return { anchor, second, seen };
  throw foreignCursor();
}
