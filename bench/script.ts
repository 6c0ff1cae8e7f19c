/** How a question is to be answered: it travels as the question's text, so that streams of all kinds can flow at once. */
export interface Script {
  /**
   * flood: ten events to a write, as fast as the upstream can. paced: one event to a write, every `pauseMs`. first: one event, and the
   * end soon after. silent: one event, and nothing more. whole: everything in one write after `pauseMs`, or that long blocking.
   */
  readonly mode: 'flood' | 'paced' | 'first' | 'silent' | 'whole';
  /** Text events after the first, which comes at once. */
  readonly events: number;
  /** 50: as a model writes. */
  readonly pauseMs?: number;
  /** Pieces in the text of one event after the first: 1. */
  readonly pieces?: number;
  /** After the first event, streams with the same cue wait for it. */
  readonly cue?: string;
  /** After the last event they wait once more, for the end. */
  readonly holdsEnd?: boolean;
}

/** How many pieces a client gets of it. */
export function piecesOf({ events, pieces = 1 }: Script): number {
  return events * pieces + 1;
}

export const instant: Script = { mode: 'whole', events: 0, pauseMs: 0 };
