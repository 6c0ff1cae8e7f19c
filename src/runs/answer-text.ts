import { BETWEEN_BLOCKS, ReasoningSplitter, splitReasoning, type Piece } from './reasoning.ts';
import type { Draft } from './run-event.ts';

/** The text of a run as it grows, its reasoning beside it: the folding rules of §2.7 that are about text. */
export class AnswerText {
  readonly #emit: (event: Draft) => void;
  /** Without and with the reasoning, and the reasoning: ropes that share their pieces with the events. */
  #text = '';
  #raw = '';
  #reasoning = '';
  #reasoningNode: string | null = null;
  #splitter = new ReasoningSplitter();
  /** What the agent said so far; a closing `message` may repeat it whole. */
  #said = '';

  constructor(emit: (event: Draft) => void) {
    this.#emit = emit;
  }

  /** The text exactly as the app sent it; null where that is what readers got. */
  get raw(): string | null {
    return this.#raw === this.#text ? null : this.#raw;
  }

  append(raw: string, source: readonly string[] | null): void {
    if (raw === '') return;
    this.#raw += raw;
    this.#pieces(this.#splitter.feed(raw), source);
  }

  agentMessage(raw: string): void {
    this.#said += raw;
    this.append(raw, null);
  }

  /** New Agent apps stream `agent_message`s and close with one `message` that repeats the whole answer. */
  message(raw: string, source: readonly string[] | null): void {
    const said = this.#said;
    if (said === '' || raw === '') return this.append(raw, source);
    this.#said = '';
    if (raw.startsWith(said)) return this.append(raw.slice(said.length), source);
    if (raw.trim() !== said.trim()) this.append(raw, source);
  }

  replace(raw: string, reason: string | null): void {
    // A snapshot says again what was said (§8.2).
    if (raw === this.#raw) return;
    const { text } = splitReasoning(raw);
    this.#raw = raw;
    this.#text = text;
    this.#said = '';
    this.#splitter = new ReasoningSplitter();
    this.#emit({ type: 'TextReplaced', text, reason: reason === '' ? null : reason });
  }

  /** Reasoning that Dify has separated itself. */
  reasoningChunk(text: string, nodeId: string | null): void {
    this.#reason(text, nodeId, nodeId !== this.#reasoningNode);
  }

  /** Emits what was held back. */
  end(): void {
    this.#pieces(this.#splitter.end(), null);
  }

  #pieces(pieces: readonly Piece[], source: readonly string[] | null): void {
    for (const piece of pieces) {
      if (piece.kind === 'text') {
        this.#emit({ type: 'TextDelta', offset: this.#text.length, text: piece.text, source });
        this.#text += piece.text;
      } else if (piece.kind === 'reasoning') {
        this.#reason(piece.text, null, piece.first);
      } else if (this.#text !== '') {
        const thought = this.#text.trim();
        this.#text = '';
        this.#emit({ type: 'TextReplaced', text: '', reason: 'reasoning' });
        this.#reason(thought, null, true);
      }
    }
  }

  #reason(text: string, nodeId: string | null, newBlock: boolean): void {
    if (text === '') return;
    const offset = this.#reasoning.length;
    const piece = newBlock && offset > 0 ? BETWEEN_BLOCKS + text : text;
    this.#reasoning += piece;
    this.#reasoningNode = nodeId;
    this.#emit({ type: 'ReasoningDelta', offset, text: piece, nodeId });
  }
}
