import { randomUUID } from 'node:crypto';
import { toolAddress } from './files.ts';
import { crookedPieces } from './pieces.ts';
import type { Turn } from './turn.ts';

/**
 * The end of an answer with the picture that `!picture` asks for: it is in the text only, as Markdown, at a signed address that is
 * cut anywhere, as models repeat those of their tools and answer nodes put out those of files.
 */
export function drawing({ world, magic }: Turn): readonly string[] {
  if (!magic.words.has('!picture')) return [];
  return crookedPieces(`\n\n![A cup of tea](${toolAddress(world, randomUUID())})\n\nThere you are.`);
}
