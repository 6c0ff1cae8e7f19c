const OPEN = '<think>';
const CLOSE = '</think>';

/** A piece of a model's output: text for the reader, what the model thought, or «all text so far was thinking». */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string; readonly first: boolean }
  | { readonly kind: 'retract' };

/**
 * Splits `<think>…</think>` from the answer while it streams, wherever the tags are cut. A tag never closed leaves all after
 * it reasoning; a lone `</think>` says that everything before it was. White space inside and after the tags belongs to neither.
 */
export class ReasoningSplitter {
  #mode: 'start' | 'text' | 'reasoning' | 'gap' = 'start';
  #seenTag = false;
  #firstOfBlock = false;
  /** Held back: it may turn out to be part of a tag, or white space beside one. */
  #held = '';

  /** Pieces that are certain now; the rest waits for the next call. */
  feed(raw: string): Piece[] {
    if (this.#mode === 'text' && this.#held === '' && !raw.includes('<'))
      return raw === '' ? [] : [{ kind: 'text', text: raw }];
    const pieces: Piece[] = [];
    let rest = this.#held + raw;
    this.#held = '';
    while (rest !== '') rest = this.#step(rest, pieces);
    return pieces;
  }

  /** What was held back when the stream ended. */
  end(): Piece[] {
    const held = this.#held;
    this.#held = '';
    if (this.#mode === 'reasoning') {
      const kept = held.trimEnd();
      return kept === '' ? [] : [this.#thought(kept)];
    }
    return held === '' ? [] : [{ kind: 'text', text: held }];
  }

  /** Takes what it can from the front of `rest` and returns what remains; holds back an undecided end. */
  #step(rest: string, pieces: Piece[]): string {
    if (this.#mode === 'start' || this.#mode === 'gap') {
      const body = rest.trimStart();
      if (body === '') return this.#hold(this.#mode === 'start' ? rest : '');
      if (body.startsWith(OPEN)) return this.#enter(body.slice(OPEN.length));
      if (OPEN.startsWith(body)) return this.#hold(this.#mode === 'start' ? rest : body);
      const from = this.#mode === 'start' ? rest : body;
      this.#mode = 'text';
      return from;
    }
    return this.#mode === 'text' ? this.#text(rest, pieces) : this.#reasoning(rest, pieces);
  }

  #text(rest: string, pieces: Piece[]): string {
    const open = rest.indexOf(OPEN);
    const close = this.#seenTag ? -1 : rest.indexOf(CLOSE);
    if (close >= 0 && (open < 0 || close < open)) {
      if (close > 0) pieces.push({ kind: 'text', text: rest.slice(0, close) });
      pieces.push({ kind: 'retract' });
      this.#seenTag = true;
      this.#mode = 'gap';
      return rest.slice(close + CLOSE.length);
    }
    if (open >= 0) {
      if (open > 0) pieces.push({ kind: 'text', text: rest.slice(0, open) });
      return this.#enter(rest.slice(open + OPEN.length));
    }
    const certain = rest.length - Math.max(cutTag(rest, OPEN), this.#seenTag ? 0 : cutTag(rest, CLOSE));
    if (certain > 0) pieces.push({ kind: 'text', text: rest.slice(0, certain) });
    return this.#hold(rest.slice(certain));
  }

  #reasoning(rest: string, pieces: Piece[]): string {
    const body = this.#firstOfBlock ? rest.trimStart() : rest;
    const close = body.indexOf(CLOSE);
    const certain = close >= 0 ? close : body.length - cutTag(body, CLOSE);
    const thought = body.slice(0, certain).trimEnd();
    if (thought !== '') pieces.push(this.#thought(thought));
    if (close < 0) return this.#hold(body.slice(thought.length));
    this.#mode = 'gap';
    return body.slice(close + CLOSE.length);
  }

  #enter(rest: string): string {
    this.#mode = 'reasoning';
    this.#seenTag = true;
    this.#firstOfBlock = true;
    return rest;
  }

  #thought(text: string): Piece {
    const first = this.#firstOfBlock;
    this.#firstOfBlock = false;
    return { kind: 'reasoning', text, first };
  }

  #hold(rest: string): '' {
    this.#held = rest;
    return '';
  }
}

/** How many characters at the end of `text` could be the beginning of `tag`. */
function cutTag(text: string, tag: string): number {
  const from = text.lastIndexOf('<');
  return from >= 0 && tag.startsWith(text.slice(from)) ? text.length - from : 0;
}

/** A whole answer at once, as for stored messages. */
export function splitReasoning(raw: string): { readonly text: string; readonly reasoning: string } {
  const splitter = new ReasoningSplitter();
  return foldPieces([...splitter.feed(raw), ...splitter.end()]);
}

/** What these pieces come to. */
export function foldPieces(pieces: readonly Piece[]): { readonly text: string; readonly reasoning: string } {
  let text = '';
  let reasoning = '';
  for (const piece of pieces) {
    if (piece.kind === 'text') text += piece.text;
    else if (piece.kind === 'reasoning')
      reasoning += (piece.first && reasoning !== '' ? BETWEEN_BLOCKS : '') + piece.text;
    else {
      reasoning = text.trim();
      text = '';
    }
  }
  return { text, reasoning };
}

/** Stands between two blocks of reasoning that are shown as one. */
export const BETWEEN_BLOCKS = '\n\n';
