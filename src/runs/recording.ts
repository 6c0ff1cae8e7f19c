import type { SpokenAudio } from '../dify/speech.ts';
import { GatewayError } from '../errors.ts';

/** The longest speech that is kept: more than half an hour of MP3. */
const MOST_BYTES = 32 * 1_048_576;

/**
 * A sound that is heard once and can be read by many, while it comes and afterwards. It goes on when nobody reads: it has been
 * paid for, and players come back.
 */
export class Recording {
  readonly #pieces: Buffer[] = [];
  readonly #gone = new AbortController();
  readonly #begun: Promise<void>;
  #mimeType = 'audio/mpeg';
  #bytes = 0;
  #ended = false;
  #error: Error | undefined;
  readonly #whole = Promise.withResolvers<void>();
  #news = Promise.withResolvers<void>();

  constructor(speak: (signal: AbortSignal) => Promise<SpokenAudio>) {
    const spoken = speak(this.#gone.signal);
    this.#begun = spoken.then(({ mimeType }) => void (this.#mimeType = mimeType));
    spoken.then((audio) => this.#hear(audio)).catch((error: Error) => this.#end(error));
  }

  /** Resolves when it begins; rejects when it does not. */
  get begun(): Promise<void> {
    return this.#begun;
  }

  /** Resolves when there is no more to come, however it ended. */
  get whole(): Promise<void> {
    return this.#whole.promise;
  }

  get mimeType(): string {
    return this.#mimeType;
  }

  /** Heard so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The whole is there. */
  get complete(): boolean {
    return this.#ended && this.#error === undefined;
  }

  get failed(): boolean {
    return this.#error !== undefined;
  }

  /** From the beginning, piece by piece; waits for those to come. Lets go of a reader at once when `signal` is aborted. */
  async *read(signal: AbortSignal): AsyncGenerator<Buffer> {
    const left = Promise.withResolvers<void>();
    const leave = () => left.resolve();
    signal.addEventListener('abort', leave, { once: true });
    try {
      for (let next = 0; !signal.aborted;) {
        const piece = this.#pieces[next];
        if (piece) {
          next += 1;
          yield piece;
        } else if (this.#error !== undefined) throw this.#error;
        else if (this.#ended) return;
        else await Promise.race([this.#news.promise, left.promise]);
      }
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Lets go of Dify. Readers hear of it. */
  abandon(): void {
    this.#gone.abort(new GatewayError('STREAM_INTERRUPTED', 'The speech was let go of'));
  }

  async #hear(audio: SpokenAudio): Promise<void> {
    try {
      for await (const piece of audio.body as AsyncIterable<Buffer>) {
        this.#bytes += piece.length;
        if (this.#bytes > MOST_BYTES) throw new GatewayError('UPSTREAM_ERROR', 'The speech is too long');
        this.#pieces.push(piece);
        this.#tell();
      }
      this.#end(undefined);
    } finally {
      audio.release();
    }
  }

  #end(error: Error | undefined): void {
    this.#ended = true;
    this.#error = error;
    this.#tell();
    this.#whole.resolve();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
