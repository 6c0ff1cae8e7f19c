import type { Annotations } from './annotations.ts';
import type { App } from './app.ts';
import type { Clock } from './clock.ts';
import type { Conversations } from './conversations.ts';
import type { Forms } from './forms.ts';
import type { EndUser } from './ids.ts';
import type { Runs } from './runs.ts';
import type { Scripts } from './script.ts';
import type { Uploads } from './uploads.ts';
import type { Users } from './users.ts';
import type { Features } from './versions.ts';

/** What a sandbox was opened with. */
export interface Settings {
  readonly pace: number;
  readonly pingMs: number;
  readonly relayIdleMs: number;
  readonly formTimeoutMs: number;
  readonly version: string;
  readonly recordings: string | undefined;
}

/** Something under way, as the stop calls see it. */
export interface Stoppable {
  readonly app: App;
  readonly user: EndUser;
  stop(): void;
}

/** All that one sandbox holds: nothing is shared between two of them. */
export interface World {
  readonly settings: Settings;
  readonly features: Features;
  readonly apps: readonly App[];
  readonly now: Clock;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly conversations: Conversations;
  readonly runs: Runs;
  readonly uploads: Uploads;
  readonly users: Users;
  readonly annotations: Annotations;
  readonly forms: Forms;
  readonly scripts: Scripts;
  /** What is being answered now, by task id. */
  readonly turns: Map<string, Stoppable>;
  readonly closing: AbortSignal;
}
