import { GatewayError } from '../errors.ts';

/** A path with ids in it, each encoded. Dots alone would name another path: no id looks like that. */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  return parts.reduce((before, part, index) => `${before}${segment(ids[index - 1] ?? '')}${part}`);
}

function segment(id: string): string {
  if (/^\.{0,2}$/.test(id) || !id.isWellFormed()) throw new GatewayError('NOT_FOUND', 'Dify knows nothing of this id');
  return encodeURIComponent(id);
}
