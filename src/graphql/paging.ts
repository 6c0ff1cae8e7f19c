import { GatewayError } from '../errors.ts';
import type { Page } from '../dify/records.ts';

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
  throw new GatewayError('BAD_USER_INPUT', 'This cursor did not come from here: pass one from `pageInfo` or an edge.');
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
  const from = cursor == null ? start : readCursor(cursor);
  const { items, more } = await walk(list, size, from);
  let { anchor, second, seen } = from;
  const edges: Connection<T>['edges'] = [];
  for (const node of items) {
    const at = list.second(node);
    // A second with more items than fit on a page can only be walked as Dify does it.
    if (second !== null && (at !== second || seen.length >= MOST / 2)) [anchor, seen] = [seen.at(-1) ?? anchor, []];
    second = at;
    seen = [...seen, list.id(node)];
    edges.push({ cursor: encodeCursor([anchor, second, seen]), node });
  }
  return { edges, more };
}

interface Position {
  readonly anchor: string | null;
  readonly second: number | null;
  readonly seen: readonly string[];
}

const start: Position = { anchor: null, second: null, seen: [] };

async function walk<T>(list: TimedList<T>, size: number, from: Position): Promise<{ items: T[]; more: boolean }> {
  let { anchor } = from;
  const behind = (item: T): boolean =>
    from.second !== null && (list.newestFirst ? list.second(item) > from.second : list.second(item) < from.second);
  for (;;) {
    const limit = Math.min(MOST, size + from.seen.length);
    const page = await list.fetch(anchor, limit).catch((error: unknown) => {
      // The item that the page hung on is gone: begin again, and skip to the cursor's time.
      if (anchor === null || !(error instanceof GatewayError) || error.code !== 'NOT_FOUND') throw error;
      return list.fetch(null, MOST);
    });
    const fresh = page.items.filter((item) => !behind(item) && !from.seen.includes(list.id(item)));
    const last = page.items.at(-1);
    if (fresh.length > 0 || !page.hasMore || last === undefined)
      return { items: fresh.slice(0, size), more: page.hasMore || fresh.length > size };
    anchor = list.id(last);
  }
}

function readCursor(cursor: string): Position {
  const [anchor, second, seen] = decodeCursor(cursor);
  const fits = (anchor === null || typeof anchor === 'string') && typeof second === 'number' && Array.isArray(seen);
  if (!fits)
    throw new GatewayError(
      'BAD_USER_INPUT',
      'This cursor did not come from here: pass one from `pageInfo` or an edge.',
    );
  return { anchor, second, seen: seen.map(String) };
}
