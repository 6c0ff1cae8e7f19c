import { id, isJson, json, type Json } from './coerce.ts';

/** `GET /meta` (§1.28). */
export interface AppMeta {
  readonly toolIcons: readonly ToolIcon[];
}

/** An image, or an emoji on a colour. */
export interface ToolIcon {
  readonly tool: string;
  readonly url: string | null;
  readonly emoji: string | null;
  readonly background: string | null;
}

/** Null if this cannot be an answer of `GET /meta`. */
export function parseMeta(from: Json): AppMeta | null {
  if (!isJson(from['tool_icons'])) return null;
  const toolIcons = Object.entries(from['tool_icons']).map(([tool, icon]) => {
    const { content, background } = json(icon);
    return { tool, url: typeof icon === 'string' ? id(icon) : null, emoji: id(content), background: id(background) };
  });
  return { toolIcons };
}
