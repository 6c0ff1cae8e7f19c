import { BETWEEN_BLOCKS, foldPieces, ReasoningSplitter, splitReasoning, type Piece } from './reasoning.ts';
import type { Draft } from './run-event.ts';
import { SignedUrls } from './signed-urls.ts';

/** The text of a run as it grows, its reasoning beside it: the folding rules of §2.7 that are about text. */
export class AnswerText {
  readonly #emit: (event: Draft) => void;
  readonly #address: (url: string) => string;
  /** Without and with the reasoning, and the reasoning: ropes that share their pieces with the events. */
  #text = '';
  #raw = '';
  #reasoning = '';
  #reasoningNode: string | null = null;
  #splitter = new ReasoningSplitter();
  /** Of the text and of the reasoning that Dify has separated itself. */
  #urls: SignedUrls;
  readonly #reasoningUrls: SignedUrls;
  /** What that reasoning comes from. */
  #chunkNode: string | null = null;
  /** Up to here no stream has been lost. */
  #certain = Infinity;
  /** What the agent said so far; a closing `message` may repeat it whole. */
  #said = '';

  /** `address` takes the place of an address that Dify has signed. */
  constructor(emit: (event: Draft) => void, address: (url: string) => string) {
    this.#emit = emit;
    this.#address = address;
    this.#urls = new SignedUrls(address);
    this.#reasoningUrls = new SignedUrls(address);
  }

  /** As a run that another process has written so far has them. */
  resume(text: string, reasoning: string): void {
    this.#text = text;
    this.#raw = text;
    this.#reasoning = reasoning;
    this.#certain = text.length;
  }

  /** All that the app sent so far. */
  get said(): string {
    return this.#raw;
  }

  /** The stream is lost: what follows may leave a gap. */
  lost(): void {
    this.#certain = Math.min(this.#certain, this.#text.length);
  }

  /** The text as the app sent it, but for those addresses; null where that is what readers got. */
  get raw(): string | null {
    return this.#raw === this.#text ? null : this.#raw;
  }

  append(raw: string, source: readonly string[] | null): void {
    this.#add(this.#urls.feed(raw), source);
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
    const urls = new SignedUrls(this.#address);
    const sure = urls.feed(raw);
    // It is a whole text, mostly: only what comes close to the address of a file waits for more.
    const { held } = urls;
    const isText = () => splitReasoning(sure + held).text === splitReasoning(sure).text + held;
    const shown = held.includes('/f') && isText() ? sure : sure + urls.end();
    // A snapshot says again what was said (§8.2), and what was missed.
    if (shown + urls.held === this.#raw + this.#urls.held) return;
    if (!reason && this.#text !== '' && this.#goOn(shown)) {
      this.#urls = urls;
      return;
    }
    // A thought that is still open stays.
    this.#add(this.#urls.end(), null);
    this.#urls = urls;
    const { text } = splitReasoning(shown);
    this.#raw = shown;
    this.#text = text;
    this.#said = '';
    this.#splitter = new ReasoningSplitter();
    this.#certain = Infinity;
    this.#emit({ type: 'TextReplaced', text, reason: reason === '' ? null : reason });
  }

  /**
   * Puts the text right by what Dify has stored, which is stripped and a little changed (§1.14), and may be less than was said.
   * `whole`: it is the answer, and not only what is left of one.
   */
  settle(stored: string, whole: boolean): void {
    const [told, kept] = [squeezed(this.#raw), squeezed(stored)];
    if (kept === '' || told.startsWith(kept) || this.#goOn(stored)) return;
    const margin = this.#raw.slice(0, this.#raw.length - this.#raw.trimStart().length);
    if (margin !== '' && this.#goOn(margin + stored)) return;
    if (whole || kept.startsWith(told)) this.replace(stored, 'recovered');
  }

  /**
   * As `settle`, by the outputs of a graph. Of a workflow it is not told which of them its text is: the only one, if it begins with
   * what came before the stream was lost.
   */
  settleByOutputs(outputs: Readonly<Record<string, unknown>>, isChat: boolean): void {
    const { answer } = outputs;
    if (isChat) return typeof answer === 'string' ? this.settle(answer, true) : undefined;
    const [output, ...more] = Object.values(outputs).filter((value) => typeof value === 'string');
    if (output === undefined || more.length > 0 || this.#text === '') return;
    if (splitReasoning(output).text.startsWith(this.#text.slice(0, this.#certain))) this.settle(output, true);
  }

  /** Reasoning that Dify has separated itself. */
  reasoningChunk(text: string, nodeId: string | null): void {
    if (nodeId !== this.#chunkNode) this.#endReasoning();
    this.#chunkNode = nodeId;
    this.#reason(this.#reasoningUrls.feed(text), nodeId, nodeId !== this.#reasoningNode);
  }

  /** Nothing follows for now: emits what was held back because it might have become an address. */
  pause(): void {
    this.#endReasoning();
    this.#add(this.#urls.end(), null);
  }

  /** Emits what was held back. */
  end(): void {
    this.pause();
    this.#pieces(this.#splitter.end(), null);
  }

  #endReasoning(): void {
    this.#reason(this.#reasoningUrls.end(), this.#chunkNode, this.#chunkNode !== this.#reasoningNode);
  }

  #add(raw: string, source: readonly string[] | null): void {
    if (raw === '') return;
    const isSame = this.#raw === this.#text;
    const pieces = this.#splitter.feed(raw);
    const [piece] = pieces;
    this.#pieces(pieces, source);
    // While nothing is thought they are one rope: it is not kept twice, nor compared at the end.
    const goesOn = isSame && pieces.length === 1 && piece?.kind === 'text' && piece.text === raw;
    this.#raw = goesOn ? this.#text : this.#raw + raw;
  }

  /** Takes a text that goes on where this one is, as the rest of it. False if it is another one. */
  #goOn(raw: string): boolean {
    const splitter = new ReasoningSplitter();
    const { text, reasoning } = foldPieces(splitter.feed(raw));
    const thought = reasoning === '' || reasoning.startsWith(this.#reasoning);
    if (!thought || !text.startsWith(this.#text)) return false;
    if (reasoning.length > this.#reasoning.length)
      this.#reason(reasoning.slice(this.#reasoning.length), this.#reasoningNode, false);
    const rest = text.slice(this.#text.length);
    if (rest !== '') this.#pieces([{ kind: 'text', text: rest }], null);
    this.#raw = raw;
    this.#splitter = splitter;
    this.#urls = new SignedUrls(this.#address);
    return true;
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

/** For comparing what was streamed with what is stored, which differs in white space and in braces (§1.14). */
export function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, '').replaceAll('{{', '{').replaceAll('}}', '}');
}
