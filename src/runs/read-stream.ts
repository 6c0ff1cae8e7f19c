import { Silence } from '../dify/silence.ts';
import type { DifyStream, OnEvents, StreamEnd } from '../dify/stream.ts';
import type { RecordedEnd } from './recorded-end.ts';

/** How the reading of a stream ended; `record`: it said nothing more, though the run is over by Dify's records. */
export type ReadEnd = StreamEnd | { readonly by: 'record'; readonly found: RecordedEnd };

export interface Reading {
  /** Closes the stream. */
  readonly signal: AbortSignal;
  /** How long nothing but pings may come, in ms, before `look` is called; again and again. */
  readonly quietMs: number;
  /** Looks for the end in Dify's records. Never rejects. */
  readonly look: () => Promise<RecordedEnd | null>;
}

/** Reads a stream to its end. A relay that has missed the end pings for minutes (§8.2), other Difys for ever (Q1): neither holds it. */
export async function readStream(
  stream: DifyStream,
  { signal, quietMs, look }: Reading,
  onEvents: OnEvents,
): Promise<ReadEnd> {
  let heard = 0;
  let found: RecordedEnd | null = null;
  let over = false;
  const close = () => stream.close();
  signal.addEventListener('abort', close);
  if (signal.aborted) close();
  const lookUp = async () => {
    const before = heard;
    const seen = await look();
    if (over) return;
    if (seen === null || heard !== before) return quiet.again();
    found = seen;
    close();
  };
  const quiet = new Silence(quietMs, () => void lookUp());
  try {
    const end = await stream.read((events) => {
      heard += 1;
      quiet.heard();
      return onEvents(events);
    });
    return found ? { by: 'record', found } : end;
  } finally {
    over = true;
    quiet[Symbol.dispose]();
    signal.removeEventListener('abort', close);
  }
}
