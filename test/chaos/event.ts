/** An event as a client sees it: whatever it asked for, these are what the checks look at. */
export interface SeenEvent {
  readonly __typename: string;
  readonly runId: string;
  readonly seq: number;
  readonly mode?: 'SNAPSHOT' | 'RESUME' | 'GAP';
  readonly offset?: number;
  readonly text?: string;
  readonly conversationId?: string | null;
  readonly status?: string;
  readonly error?: SeenError | null;
  readonly lostDetail?: boolean;
  readonly run?: {
    readonly error?: SeenError | null;
    /** Of a workflow. */
    readonly outputs?: { readonly summary?: string } | null;
  };
  readonly position?: number;
  readonly at?: string;
}

export interface SeenError {
  readonly code: string;
  readonly message: string;
}

/** In a line, the same wherever it was seen. */
export function lineOf({ __typename, seq, offset, text, status, position }: SeenEvent): string {
  const more = [
    offset === undefined ? '' : `@${offset}`,
    text === undefined ? '' : `+${text.length}`,
    status ?? '',
    position === undefined ? '' : `#${position}`,
  ];
  return `${seq} ${__typename} ${more.join('')}`;
}

/** What a client asks for. */
export const fields = /* GraphQL */ `
  __typename
  runId
  seq
  ... on RunAttached { mode text run { lastSeq error { code message } } }
  ... on RunQueued { position }
  ... on RunStarted { conversationId }
  ... on TextDelta { offset text }
  ... on TextReplaced { text }
  ... on UpstreamRecovered { lostDetail }
  ... on RunFinished { status error { code message } run { ... on WorkflowRun { outputs } } }
`;
