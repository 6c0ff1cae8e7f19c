import type { Features } from './versions.ts';

/** One app of the sandbox, and the key that selects it. */
export interface SandboxApp {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Dify's name of the kind of app: `chat`, `agent-chat`, `agent`, `advanced-chat`, `workflow`, `completion`. */
  readonly mode: string;
  readonly key: string;
  /** The published versions of a graph, newest first; a request may pin one. Empty for other apps. */
  readonly versions: readonly string[];
}

/** One field of an app's input form. */
export interface FormField {
  readonly type: 'text-input' | 'paragraph' | 'select' | 'number' | 'checkbox' | 'file' | 'file-list' | 'json_object';
  readonly variable: string;
  readonly label: string;
  readonly required: boolean;
  readonly maxLength?: number;
  readonly options?: readonly string[];
  readonly default?: string | number | boolean;
}

/** What the sandbox itself knows of an app. */
export interface App extends SandboxApp {
  readonly id: string;
  /** Of the newest published version of a graph. */
  readonly workflowId: string;
  readonly icon: string;
  readonly form: readonly FormField[];
  readonly opening: string;
  readonly openers: readonly string[];
  /** Whether `/messages/{id}/suggested` answers. */
  readonly suggestsQuestions: boolean;
  readonly citesSources: boolean;
  readonly tools: readonly string[];
  /** Whether a question may bring files; otherwise they are ignored. */
  readonly takesFiles: boolean;
  /** Whether it listens and reads aloud; `itself`: every answer, unasked. */
  readonly speaks: boolean | 'itself';
  /** What a Dify must know to have it. */
  readonly needs: keyof Features | undefined;
}

/** What is said of an app where the apps are listed; the rest follows from its name. */
export type AppDefinition = Omit<App, 'id' | 'workflowId' | 'key' | 'versions'>;

/** Whether it is asked through `/chat-messages`. */
export const isChat = (app: App) => ['chat', 'agent-chat', 'agent', 'advanced-chat'].includes(app.mode);

/** Whether a graph of nodes runs, so that there is a run to look up. */
export const isGraph = (app: App) => app.mode === 'workflow' || app.mode === 'advanced-chat';
