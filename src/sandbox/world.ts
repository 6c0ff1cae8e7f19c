import type { Clock } from './clock.ts';
import type { Conversations } from './conversations.ts';
import type { Runs } from './runs.ts';
import type { Scripts } from './script.ts';
import type { Turn } from './turn.ts';

/** What a sandbox was opened with. */
export interface Settings {
  readonly pace: number;
  readonly pingMs: number;
  readonly version: string;
  readonly recordings: string | undefined;
}

/** All that one sandbox holds: nothing is shared between two of them. */
export interface World {
  readonly settings: Settings;
  readonly now: Clock;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly conversations: Conversations;
  readonly runs: Runs;
  readonly scripts: Scripts;
  /** What is being answered now, by task id. */
  readonly turns: Map<string, Turn>;
  readonly closing: AbortSignal;
}
