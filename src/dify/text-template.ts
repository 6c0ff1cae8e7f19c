import { isJson } from './coerce.ts';
import { parseJson } from './json.ts';
import { parseEvent } from './parse-event.ts';
import type { WireEvent } from './wire-event.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Of a frame that a template is made of, in bytes. */
const LONGEST = 4_096;
/** A stream whose text comes from several places at once has no one template: it is not looked for for ever. */
const MOST_TRIES = 32;

// A byte order mark within a stream is text.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The text events of a stream differ in nothing but their text. One is parsed in full; of those that have the same bytes before and
 * after their text only that is read. It makes the same events as `parseEvent`, or none.
 */
export class TextTemplate {
  /** Where the last event that was read ends. */
  end = 0;
  readonly #secret: string | null;
  readonly #longest: number;
  #before = Buffer.alloc(0);
  #after = Buffer.alloc(0);
  #make: ((text: string) => WireEvent) | null = null;
  #tries = 0;

  /** Events of more than `longest` bytes, or with `secret` in them, are left to others. */
  constructor(longest: number, secret: string | null) {
    this.#longest = longest;
    this.#secret = secret;
    // So that it cannot go beyond a string, nor be written in another way.
    if (secret !== null && !/^[\w.~+/=-]+$/.test(secret)) this.#tries = MOST_TRIES;
  }

  /** The event whose frame begins at `at`; null if it is not whole before `to`, or not like the one that was learnt. */
  read(bytes: Buffer, at: number, to: number): WireEvent | null {
    const [before, after, make] = [this.#before, this.#after, this.#make];
    const start = at + before.length;
    if (make === null || start > to || bytes.compare(before, 0, before.length, at, start) !== 0) return null;
    let close = start;
    let isPlain = true;
    let isEscaped = false;
    for (let byte = bytes[close]; byte !== QUOTE; byte = bytes[++close]) {
      if (byte === undefined || close >= to || byte < 0x20) return null;
      if (byte === BACKSLASH) {
        isEscaped = true;
        close += 1;
      } else if (byte > 0x7e) isPlain = false;
    }
    const end = close + after.length;
    if (end > to || end - at > this.#longest) return null;
    if (bytes.compare(after, 0, after.length, close, end) !== 0) return null;
    const raw = isPlain ? bytes.toString('latin1', start, close) : decoder.decode(bytes.subarray(start, close));
    if (this.#secret !== null && raw.includes(this.#secret)) return null;
    const text = isEscaped ? parseJson(`"${raw}"`) : raw;
    if (typeof text !== 'string') return null;
    this.end = end;
    return make(text);
  }

  /** To be like this frame from now on, if it is one that has text. */
  learn(frame: Buffer, { event }: WireEvent): void {
    const name = event === 'text_chunk' ? 'text' : event === 'message' || event === 'agent_message' ? 'answer' : null;
    if (name === null || frame.length > LONGEST || this.#tries >= MOST_TRIES) return;
    this.#tries += 1;
    const told = frame.toString();
    const text = new RegExp(`(?<="${name}": ?")(?:[^"\\\\]|\\\\.)*(?=")`).exec(told);
    if (!text || !/^data: .*\n\n$/.test(told) || (this.#secret !== null && told.includes(this.#secret))) return;
    const [before, after] = [told.slice(0, text.index), told.slice(text.index + text[0].length)];
    const like = (other: string) => eventOf(before.slice('data: '.length) + other + after);
    const [one, another] = [like('one'), like('another')];
    // It is the text, and nothing else depends on it.
    if (!one || JSON.stringify({ ...one, [name]: 'another' }) !== JSON.stringify(another)) return;
    this.#before = Buffer.from(before);
    this.#after = Buffer.from(after);
    if (one.event === 'text_chunk') this.#make = (said) => ({ ...one, text: said });
    else if (one.event === 'message' || one.event === 'agent_message') this.#make = (answer) => ({ ...one, answer });
  }
}

function eventOf(data: string): WireEvent | null {
  const frame = parseJson(data);
  return isJson(frame) && typeof frame['event'] === 'string' ? parseEvent(frame['event'], frame) : null;
}
