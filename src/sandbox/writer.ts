/** An event as it is sent: its name and whatever else it says. */
export interface Frame {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** Where a run puts its events: the reply itself, or a topic that replies relay. */
export interface Writer {
  /** False in blocking mode: the caller writes the reply at the end. */
  readonly streaming: boolean;
  /** Whether the reader went away and with it the answer: graphs in a worker do not care. */
  readonly lost: boolean;
  /** Resolves when nobody reads any more. */
  readonly gone: Promise<unknown>;
  /** One frame. Resolves when it has been taken, or at once when nobody reads. */
  send(event: Frame): Promise<void>;
  /** Resolves when what was held back at first has left. */
  released(): Promise<void>;
  /** Nothing more will be said. */
  end(): Promise<void>;
  /** Breaks the connection, as a crashed proxy does. */
  cut(): Promise<void>;
  /** Sends nothing any more, pings included. */
  silence(): void;
}
