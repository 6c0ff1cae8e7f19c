import { isJson, list, type Json } from './coerce.ts';
import { notDify } from './not-dify.ts';
import type { Page } from './records.ts';

/** The items of a reply that is a list (§6.4); what has no list is not Dify's. */
export function itemsOf<T>(from: Json, item: (from: Json) => T, operation: string): readonly T[] {
  if (!Array.isArray(from['data'])) return notDify(operation);
  return list(from['data']).filter(isJson).map(item);
}

export function parsePage<T>(from: Json, item: (from: Json) => T, operation: string): Page<T> {
  return { items: itemsOf(from, item, operation), hasMore: from['has_more'] === true };
}
