import { randomBytes } from 'node:crypto';
import type { DifyApp } from '../dify/dify-app.ts';
import type { Dify } from '../dify/dify.ts';
import type { SpeakRequest } from '../dify/speech.ts';
import { GatewayError } from '../errors.ts';
import { MemoryNotes, type Notes } from './notes.ts';
import { Recording } from './recording.ts';

/** What is to be spoken: a text, or the answer of a message of the viewer's. */
export interface SpeechOrder {
  readonly app: string;
  readonly speak: SpeakRequest;
}

interface Ordered extends SpeechOrder {
  /** Epoch milliseconds. */
  readonly until: number;
  recording: Recording | undefined;
}

export interface SpeechesOptions {
  /** How long a speech can be fetched, in ms. Default 300,000. */
  readonly keepMs?: number;
  /** Orders in all. Default 1,000; the oldest are dropped. */
  readonly keepCount?: number;
}

/**
 * Speeches that were ordered and can be fetched under a name that only the one who ordered knows. Dify is asked when a speech is
 * first fetched, once, unless it fails: a player asks for the same sound again and again, and each asking would run a model.
 */
export class Speeches {
  readonly #dify: Dify;
  readonly #notes: Notes;
  readonly #keepMs: number;
  readonly #keepCount: number;
  /** In the order in which they were ordered, which is that in which they end. */
  readonly #orders = new Map<string, Ordered>();

  /** `notes`: where other processes find what was ordered here. */
  constructor(
    dify: Dify,
    { keepMs = 300_000, keepCount = 1_000 }: SpeechesOptions = {},
    notes: Notes = new MemoryNotes(),
  ) {
    this.#dify = dify;
    this.#notes = notes;
    this.#keepMs = keepMs;
    this.#keepCount = keepCount;
  }

  /** Takes an order; nothing is spoken yet. */
  async order(order: SpeechOrder): Promise<{ readonly token: string; readonly until: number }> {
    const token = randomBytes(24).toString('base64url');
    const until = Date.now() + this.#keepMs;
    await this.#notes.set(note(token), JSON.stringify({ ...order, until }), this.#keepMs);
    this.#keep(token, { ...order, until, recording: undefined });
    return { token, until };
  }

  /** As far as it has been spoken; it is not asked for by this. */
  async known(token: string): Promise<Recording | undefined> {
    return (await this.#order(token)).recording;
  }

  /** The speech of that name, from its beginning. Rejects if Dify does not begin to speak. */
  async fetch(token: string): Promise<Recording> {
    const order = await this.#order(token);
    const dify = this.#dify.app(order.app);
    if (!dify) throw unknownSpeech();
    const recording = order.recording?.failed === false ? order.recording : this.#record(order, dify);
    await recording.begun;
    return recording;
  }

  /** Lets go of what is being spoken. */
  close(): void {
    for (const { recording } of this.#orders.values()) recording?.abandon();
    this.#orders.clear();
  }

  async #order(token: string): Promise<Ordered> {
    this.#drop();
    const here = this.#orders.get(token);
    if (here) return here;
    const noted = await this.#notes.get(note(token));
    if (noted === null) throw unknownSpeech();
    const { until, ...order } = JSON.parse(noted) as SpeechOrder & { readonly until: number };
    return this.#orders.get(token) ?? this.#keep(token, { ...order, until, recording: undefined });
  }

  #keep(token: string, order: Ordered): Ordered {
    this.#orders.set(token, order);
    this.#drop();
    // Nobody may come to fetch it, and then sounds would be kept for ever.
    setTimeout(() => this.#drop(), this.#keepMs).unref();
    return order;
  }

  #record(order: Ordered, dify: DifyApp): Recording {
    const recording = new Recording((signal) => dify.speech.speak(order.speak, signal));
    order.recording = recording;
    return recording;
  }

  #drop(): void {
    const now = Date.now();
    let kept = Array.from(this.#orders.values(), ({ recording }) => recording?.bytes ?? 0).reduce((a, b) => a + b, 0);
    for (const [token, { until, recording }] of this.#orders) {
      if (until > now && this.#orders.size <= this.#keepCount && kept <= MOST_BYTES) return;
      kept -= recording?.bytes ?? 0;
      recording?.abandon();
      this.#orders.delete(token);
    }
  }
}

function note(token: string): string {
  return `speech ${token}`;
}

/** Of all speeches together. */
const MOST_BYTES = 128 * 1_048_576;

function unknownSpeech(): GatewayError {
  return new GatewayError('NOT_FOUND', 'There is no such speech, or its time is over: order it again.');
}
