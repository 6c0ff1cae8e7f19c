const cjk = String.raw`\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af`;
const token = new RegExp(String.raw`(?:[${cjk}]{1,2}|[^\s${cjk}]{1,10})\s*|\s+`, 'gu');

/** Cuts a text the way models stream it: a word or two CJK characters at a time. Joined, the pieces are the text. */
export function piecesOf(text: string): string[] {
  return text.match(token) ?? [];
}

/** Cuts a text without regard for words, so that tags such as `</think>` are split over pieces. */
export function crookedPieces(text: string): string[] {
  const lengths = [4, 6, 3, 7, 5];
  const characters = [...text];
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < characters.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 5;
    pieces.push(characters.slice(at, at + length).join(''));
    at += length;
  }
  return pieces;
}

/** Exactly `count` pieces, numbered so that a gap or a repeat is seen at once. */
export function countedPieces(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index + 1}${(index + 1) % 20 === 0 ? '\n' : ' '}`);
}
