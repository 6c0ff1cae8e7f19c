import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { isJson } from './coerce.ts';
import { parseJson } from './json.ts';
import { parseEvent } from './parse-event.ts';
import { TextTemplate } from './text-template.ts';
import type { WireEvent } from './wire-event.ts';

/** Stands where a secret was. */
export const HIDDEN = '[hidden]';

/**
 * Bytes in any pieces → events, each frame parsed once (§2.1). Frames without data (`ping`) make no event; frames that are
 * no JSON object are counted in `malformed`; a frame longer than `maxEventBytes` sets `overflowed`, after which nothing more
 * is read. Length is counted in UTF-16 units, of which UTF-8 never needs more than it has bytes.
 */
export class SseReader {
  malformed = 0;
  overflowed = false;
  readonly #maxLength: number;
  readonly #secret: string | null;
  readonly #parser: EventSourceParser;
  readonly #decoder = new TextDecoder('utf-8');
  readonly #template: TextTemplate;
  /** The last frame is over: the next byte begins another. */
  #isBetween = true;
  #events: WireEvent[] = [];

  /** `secret` is hidden wherever it is echoed. */
  constructor(maxEventBytes: number, secret: string | null = null) {
    this.#maxLength = maxEventBytes;
    this.#secret = secret;
    this.#template = new TextTemplate(maxEventBytes, secret);
    this.#parser = createParser({
      maxBufferSize: maxEventBytes,
      onEvent: (frame) => this.#take(frame),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.overflowed = true;
      },
    });
  }

  /** The events that these bytes complete. */
  read(bytes: Buffer, from = 0, to = bytes.length): readonly WireEvent[] {
    let at = from;
    while (at < to && !this.overflowed) {
      const event = this.#isBetween ? this.#template.read(bytes, at, to) : null;
      if (event === null) at += this.#readFrame(bytes.subarray(at, to));
      else {
        this.#events.push(event);
        at = this.#template.end;
      }
    }
    return this.#taken();
  }

  /** To the end of the frame that begins there, or as far as it goes. Returns how far that is. */
  #readFrame(bytes: Buffer): number {
    const last = bytes.indexOf('\n\n', 0, 'latin1');
    const isOver = last >= 0;
    const frame = isOver ? bytes.subarray(0, last + 2) : bytes;
    const isWhole = this.#isBetween && isOver;
    const before = this.#events.length;
    this.#parser.feed(this.#decoder.decode(frame, { stream: true }));
    this.#isBetween = isOver;
    const event = this.#events[before];
    if (isWhole && event && this.#events.length === before + 1) this.#template.learn(frame, event);
    return frame.length;
  }

  /**
   * The end of the stream: a last frame without its blank line counts if its JSON is complete, as in Dify's own SDK, and is
   * dropped otherwise. The decoder is not flushed: what it still holds is half a character, and would come out as U+FFFD.
   */
  end(): readonly WireEvent[] {
    const malformed = this.malformed;
    if (!this.overflowed) this.#parser.feed('\n\n');
    this.malformed = malformed;
    return this.#taken();
  }

  #take({ data, event }: EventSourceMessage): void {
    if (data === '' || this.overflowed) return;
    if (data.length > this.#maxLength) {
      this.overflowed = true;
      return;
    }
    const isEcho = this.#secret !== null && data.includes(this.#secret);
    const frame = parseJson(isEcho ? data.replaceAll(this.#secret ?? '', HIDDEN) : data);
    if (!isJson(frame)) {
      this.malformed++;
      return;
    }
    const name = typeof frame['event'] === 'string' ? frame['event'] : (event ?? '');
    if (name !== 'ping') this.#events.push(parseEvent(name, frame));
  }

  #taken(): readonly WireEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }
}
