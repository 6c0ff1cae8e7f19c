import { Readable } from 'node:stream';

/** A line through which proxies and browsers see that the connection lives, in ms. */
const BEAT_MS = 10_000;

const BEAT = ':\n\n';

/** Of the responses that are event streams. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // Proxies would keep events until they have enough of them.
  'x-accel-buffering': 'no',
} as const;

/** What is read from such a stream. */
export interface Told<T> {
  readonly events: AsyncIterator<T>;
  /** Before all events, if anything. */
  readonly first?: string;
  readonly each: (event: T) => string;
  /** After all events, if anything. */
  readonly last?: string;
}

/** The text of an event stream. Holds one event at most, and beats only where there is nothing else to read. */
export function eventStream<T>({ events, first, each, last }: Told<T>): Readable {
  let asked = false;
  async function ask(): Promise<void> {
    asked = true;
    try {
      const { done, value } = await events.next();
      asked = false;
      if (!done) stream.push(each(value));
      else {
        if (last !== undefined) stream.push(last);
        stream.push(null);
      }
    } catch (error) {
      stream.destroy(error as Error);
    }
  }
  const stream = new Readable({
    highWaterMark: 1,
    read: () => void (asked || ask()),
    destroy(error, destroyed) {
      clearInterval(beat);
      void events.return?.();
      destroyed(error);
    },
  });
  const beat = setInterval(() => stream.readableLength === 0 && stream.push(BEAT), BEAT_MS);
  if (first !== undefined) stream.push(first);
  return stream;
}
