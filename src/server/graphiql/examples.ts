/** What the tabs are about; null where there is none. */
export interface Examples {
  /** An app that is asked questions, and one that remembers something while it is (a chatflow). */
  readonly chat: string | null;
  readonly chatflow: string | null;
  /** Apps that take inputs, with some that fit. */
  readonly workflow: ExampleInputs | null;
  readonly completion: ExampleInputs | null;
  /** A workflow that asks a person. */
  readonly approval: ExampleInputs | null;
  /** An app that speaks when it is asked to, and one that reads its answers aloud by itself. */
  readonly speaker: string | null;
  readonly narrator: string | null;
  /** An app that takes files with a question. */
  readonly fileTaker: string | null;
  /** Of whoever opens the page. */
  readonly yours: Yours;
}

export interface ExampleInputs {
  readonly app: string;
  /** As a GraphQL literal. */
  readonly inputs: string;
}

/** What there is already of whoever opens the page. */
export interface Yours {
  readonly isAdmin: boolean;
  /** The newest run, of whatever kind. */
  readonly run: string | null;
  /** The newest answer. */
  readonly answer: ExampleAnswer | null;
  readonly workflowRun: { readonly app: string; readonly recordId: string } | null;
  /** A form that waits. */
  readonly form: string | null;
  /** A question that can be stopped before its run is known: the id of a run follows from its key. */
  readonly long: { readonly key: string; readonly runId: string } | null;
}

interface ExampleAnswer {
  readonly app: string;
  readonly run: string;
  readonly messageId: string;
  readonly conversationId: string;
}

/** A text as a GraphQL literal, which may also stand in the script of a page. */
export function literal(text: string): string {
  return JSON.stringify(text).replaceAll('<', String.raw`\u003C`);
}
