import type { WireCitation, WireFile, WireUsage } from './wire-event.ts';

/** `GET /info` (§1.26). */
export interface AppInfo {
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** `chat`, `agent-chat`, `advanced-chat`, `agent`, `workflow`, `completion`; an open set. */
  readonly mode: string;
  /** Since Dify 1.5, while the account exists. */
  readonly authorName: string | null;
}

/** One item of `GET /conversations` (§1.13). Times are epoch seconds. */
export interface ConversationRecord {
  readonly id: string;
  readonly name: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly status: string | null;
  readonly introduction: string | null;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** One item of `GET /messages` (§1.14). Times are epoch seconds. */
export interface MessageRecord {
  readonly id: string;
  readonly conversationId: string | null;
  /** Null for the first: Dify sends an all-zero id. */
  readonly parentMessageId: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly query: string;
  /** As stored: may differ from what was streamed in white space. */
  readonly answer: string;
  readonly status: string | null;
  readonly error: string | null;
  readonly createdAt: number | null;
  readonly files: readonly WireFile[];
  readonly citations: readonly WireCitation[];
  readonly thoughts: readonly ThoughtRecord[];
  /** Only from Dify 1.16 on. */
  readonly usage: WireUsage | null;
  /** This user's: `like`, `dislike` or none. */
  readonly rating: string | null;
}

export interface ThoughtRecord {
  readonly id: string;
  readonly position: number;
  readonly thought: string;
  readonly tool: string;
  readonly toolLabels: Readonly<Record<string, unknown>>;
  readonly toolInput: string;
  readonly observation: string;
  readonly files: readonly string[];
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/** A page that is asked for by its number. */
export interface NumberedPage<T> extends Page<T> {
  /** On all pages; null where Dify does not say. */
  readonly total: number | null;
}
