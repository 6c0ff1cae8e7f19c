import { shortened } from './wording.ts';

/** How many sentences of a text the workflow looks at. */
const most = 12;

/** The sentences of a text, in any script, at most a dozen. */
export function sentencesOf(text: string): string[] {
  return (text.match(/[^.!?。！？\n]+[.!?。！？]*/gu) ?? [])
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '')
    .slice(0, most);
}

/** The gist of one sentence: its first words. */
export function gistOf(sentence: string): string {
  return shortened(sentence.replace(/^(and|but|so|however|therefore|und|aber|also),?\s+/i, ''), 80);
}

const openings: Readonly<Record<string, string>> = {
  neutral: '',
  friendly: 'Here is the gist 🙂 ',
  formal: 'In summary: ',
};

const closings: Readonly<Record<string, string>> = {
  neutral: '',
  friendly: ' That is all you need to know!',
  formal: ' The remainder may be omitted without loss.',
};

/** The gists that say most, in their order, wrapped in a tone. */
export function summaryOf(gists: readonly string[], sentences: number, tone: string): string {
  if (gists.length === 0) return 'There was nothing to summarise.';
  const chosen = new Set(gists.toSorted((one, other) => weight(other) - weight(one)).slice(0, Math.max(1, sentences)));
  const body = gists
    .filter((gist) => chosen.has(gist))
    .map((gist) => (/[.!?。！？…]$/u.test(gist) ? gist : `${gist}.`))
    .join(' ');
  return `${openings[tone] ?? ''}${body}${closings[tone] ?? ''}`;
}

/** How many words a text has. */
export const wordsIn = (text: string) => text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** Different long words weigh most. */
function weight(sentence: string): number {
  return new Set(sentence.toLowerCase().match(/[\p{L}\p{N}]{4,}/gu)).size;
}
