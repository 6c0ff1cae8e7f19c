import type { RunKey } from './run-state.ts';

/**
 * Lines in which runs wait: before a conversation that answers one question at a time, before an app that takes so many runs at
 * once. First come, first served, in one process or in many. Who has entered leaves; where that may be forgotten, since processes
 * die, a run that has ended, or was never claimed, loses its place by itself.
 */
export interface Turns {
  /**
   * Takes a place at the end of a line if `most` or fewer stand there, or finds the place the run has. Returns how many stand
   * before it; more than `most`, and it has taken none.
   */
  enter(line: string, run: RunKey, most?: number): Promise<number>;
  /** Gives the place up, if there is one. */
  leave(line: string, run: RunKey): Promise<void>;
  /** All that stand in a line, in order. */
  standing(line: string): Promise<readonly RunKey[]>;
  /** Calls back when somebody has left a line, or may have. Returns what ends it. */
  onMove(line: string, moved: () => void): () => void;
}

/** One answer at a time: the line before a conversation, as this viewer names it: whoever makes up the id stands in another. */
export function conversationLine(viewer: string, app: string, conversationId: string): string {
  return `conversation ${JSON.stringify([viewer, app, conversationId])}`;
}

/** What a user has asked and waits for. */
export function userLine(viewer: string): string {
  return `user ${viewer}`;
}

/** The line before an app. */
export function appLine(app: string): string {
  return `app ${app}`;
}
