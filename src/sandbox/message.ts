import type { Form } from './forms.ts';
import type { Citation } from './house-guide.ts';
import type { Usage } from './usage.ts';

/** One conversation of one user with one app. */
export interface Conversation {
  readonly id: string;
  readonly app: string;
  readonly userId: string;
  name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly introduction: string;
  /** Microseconds, like every time in here. */
  readonly createdAt: number;
  updatedAt: number;
  readonly messages: Message[];
  readonly variables: Variable[];
}

/** A conversation variable of a chatflow. */
export interface Variable {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly description: string;
  value: unknown;
  readonly createdAt: number;
  updatedAt: number;
}

/** One step of an agent. It fills up while the agent works, and is sent again each time. */
export interface Thought {
  readonly id: string;
  readonly position: number;
  readonly createdAt: number;
  thought: string;
  tool: string;
  toolLabels: Readonly<Record<string, unknown>>;
  toolInput: string;
  observation: string;
  files: string[];
}

/** A file that came with a question or an answer. */
export interface MessageFile {
  readonly id: string;
  readonly filename: string;
  readonly type: string;
  readonly url: string;
  readonly mimeType: string;
  readonly size: number;
  readonly transferMethod: string;
  readonly belongsTo: 'user' | 'assistant';
  /** Of a file that was uploaded. */
  readonly uploadId: string | null;
  /** Of a file that is somewhere else. */
  readonly remoteUrl: string | null;
}

/** What the user thinks of an answer. */
export interface Feedback {
  readonly id: string;
  /** Microseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly rating: 'like' | 'dislike';
  readonly content: string | null;
}

/** One question and its answer. */
export interface Message {
  readonly id: string;
  readonly app: string;
  readonly userId: string;
  readonly conversation: Conversation | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly query: string;
  readonly createdAt: number;
  answer: string;
  status: 'normal' | 'error' | 'paused';
  error: string | null;
  feedback: Feedback | null;
  citations: readonly Citation[];
  readonly thoughts: Thought[];
  readonly files: MessageFile[];
  /** The forms that people were asked to fill in for this answer. */
  readonly forms: Form[];
  usage: Usage | undefined;
}
