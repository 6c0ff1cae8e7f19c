import type { RunKey } from './run-state.ts';

/**
 * Lines in which runs wait: before a conversation that answers one question at a time, before an app that takes so many runs at
 * once. First come, first served, in one process or in many. A run that is not kept any more, or has ended, has no place.
 */
export interface Turns {
  /** Takes a place at the end of a line, or finds the place it has. Returns how many stand before it. */
  enter(line: string, run: RunKey): Promise<number>;
  /** Gives the place up. */
  leave(line: string, run: RunKey): Promise<void>;
  /** All that stand in a line, in order. */
  standing(line: string): Promise<readonly RunKey[]>;
  /** Calls back when somebody has left a line, or may have. Returns what ends it. */
  onMove(line: string, moved: () => void): () => void;
}

/** One answer at a time: the line before a conversation. */
export function conversationLine(app: string, conversationId: string): string {
  return `conversation ${app} ${conversationId}`;
}

/** The line before an app. */
export function appLine(app: string): string {
  return `app ${app}`;
}
