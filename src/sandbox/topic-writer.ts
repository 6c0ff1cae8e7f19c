import type { Topic } from './topic.ts';
import type { Frame, Writer } from './writer.ts';

/** A worker: it publishes, pings as long as it works, and does not notice who listens. */
export class TopicWriter implements Writer {
  readonly streaming: boolean;
  readonly lost = false;
  readonly topic: Topic;
  readonly #pingMs: number;
  #ping: NodeJS.Timeout | undefined;

  constructor(topic: Topic, { streaming, pingMs }: { streaming: boolean; pingMs: number }) {
    this.topic = topic;
    this.streaming = streaming;
    this.#pingMs = pingMs;
    this.start();
  }

  /** Begins to work, or goes on after a pause. */
  start(): void {
    this.#ping ??= setInterval(() => this.topic.publish('event: ping\n\n', undefined), this.#pingMs);
  }

  get gone(): Promise<void> {
    return this.topic.abandoned();
  }

  async send(event: Frame): Promise<void> {
    this.topic.publish(`data: ${JSON.stringify(event)}\n\n`, event.event);
  }

  released(): Promise<void> {
    return Promise.resolve();
  }

  async end(): Promise<void> {
    clearInterval(this.#ping);
    this.#ping = undefined;
  }

  async cut(): Promise<void> {
    this.topic.cut();
    await this.gone;
  }

  silence(): void {
    this.topic.silence();
  }
}
