import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

/** What is told of a body: each piece when it is read from the socket, then one of the others. */
export interface BodyListener {
  onPiece(bytes: Buffer): void;
  onEnd(): void;
  onBreak(error: unknown): void;
}

export interface ReplyHead {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
}

/**
 * The body of a reply as undici reads it, without a Node stream between: thousands of answers feel that. It is paused until
 * `resume` is called; while it is paused nothing is told but that it broke.
 */
export class LiveBody implements Dispatcher.DispatchHandler {
  readonly #head = Promise.withResolvers<ReplyHead>();
  #controller: Dispatcher.DispatchController | null = null;
  #listener: BodyListener | null = null;
  #paused = true;
  /** Pieces that came all the same: the other side has closed. */
  #held: Buffer[] = [];
  #end: 'none' | 'held' | 'told' = 'none';
  #broken: { readonly error: unknown } | null = null;

  /** Resolves when the body is about to begin. */
  get head(): Promise<ReplyHead> {
    return this.#head.promise;
  }

  /** To be called once. */
  listen(listener: BodyListener): void {
    this.#listener = listener;
    if (this.#broken) listener.onBreak(this.#broken.error);
  }

  /** The same as a stream, instead of listening. It does not let go of the connection. */
  stream(): Readable {
    const stream = new Readable({ read: () => this.resume() });
    stream.on('error', () => {});
    this.listen({
      onPiece: (bytes) => {
        if (!stream.push(bytes)) this.pause();
      },
      onEnd: () => stream.push(null),
      onBreak: (error) => stream.destroy(error instanceof Error ? error : new Error('The reply broke off')),
    });
    return stream;
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (let piece = this.#held.shift(); piece; piece = this.#held.shift()) {
      this.#listener?.onPiece(piece);
      if (this.#isPaused()) return;
    }
    if (this.#end === 'held') this.#tellEnd();
    else this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ReplyHead['headers']): void {
    // 1xx: the reply is still to come.
    if (status < 200) return;
    controller.pause();
    this.#head.resolve({ status, headers });
  }

  onResponseData(_: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#paused) this.#held.push(bytes);
    else this.#listener?.onPiece(bytes);
  }

  onResponseEnd(): void {
    this.#end = 'held';
    if (!this.#paused) this.#tellEnd();
  }

  onResponseError(_: Dispatcher.DispatchController, error: unknown): void {
    this.#head.reject(error);
    if (this.#end !== 'none' || this.#broken) return;
    this.#broken = { error };
    this.#held = [];
    this.#listener?.onBreak(error);
  }

  #tellEnd(): void {
    this.#end = 'told';
    this.#listener?.onEnd();
  }

  /** The listener may have paused it meanwhile. */
  #isPaused(): boolean {
    return this.#paused;
  }
}
