type Version = readonly [major: number, minor: number, patch: number];

interface Span {
  /** The first version that is so; all before `until`, if missing. */
  readonly from?: Version;
  /** The first version that is so no more. */
  readonly until?: Version;
  /** Versions in between that are not so. */
  readonly except?: readonly Version[];
}

const since = (...from: Version): Span => ({ from });
const restless: readonly Version[] = [
  [1, 16, 0],
  [1, 16, 1],
];

/** What a version of Dify can do and what it does wrong (§9 and §10 of service-api), each true from … until …. */
const table = {
  /** `GET/POST /apps/annotations` and those below. */
  annotations: since(1, 2, 0),
  site: since(1, 4, 0),
  /** `GET /app/feedbacks` */
  appFeedbacks: since(1, 4, 0),
  /** `GET /conversations/{id}/variables` */
  variables: since(1, 4, 0),
  /** `WorkflowLogFilter` beyond keyword, status and page. */
  logFilters: since(1, 5, 0),
  filePreview: since(1, 7, 2),
  /** `PUT /conversations/{id}/variables/{id}` */
  variableUpdate: since(1, 7, 2),
  /** `workflowId` of a question. */
  pinnedWorkflow: since(1, 7, 2),
  /** `name` of `variables.list`: unknown before 1.11.2, a 500 on 1.11.4 and 1.12.1 (observed). */
  variableName: since(1, 13, 0),
  endUsers: since(1, 13, 0),
  /** What a graph makes is kept when its reader leaves; before, an answer stayed empty (1.12.1), a run could stay `running`. */
  graphSurvivesLeaving: since(1, 13, 0),
  /** Streams of graphs end on nothing but `workflow_finished` and `workflow_paused`. */
  graphRelay: since(1, 13, 0),
  /** `app.forms`, and pauses in the stream. */
  humanInput: since(1, 14, 0),
  /** `workflows.events` */
  resumeStream: since(1, 14, 0),
  /** `human_input_form_filled` and `…_timeout` come; without them the form's end is in its node's outputs. */
  formFilledEvents: { from: [1, 14, 0], except: restless },
  /** A workflow that is resumed ends `stopped`; chatflows do not (#39448). */
  workflowResumeBroken: { from: [1, 16, 0], until: [1, 16, 2] },
  /** A chatflow's text after a resume may be neither streamed nor stored: take the outputs (#38432). */
  answerLostAfterResume: { from: [1, 15, 0], until: [1, 15, 1] },
  /** `reasoning_chunk` */
  separatedReasoning: since(1, 15, 0),
  /** The app mode `agent`. */
  newAgent: since(1, 16, 0),
  /** Tokens and prices on `GET /messages`. */
  messageUsage: since(1, 16, 0),
  /** A chat, agent or completion answer is broken off when nobody reads it. */
  leavingStopsChat: since(1, 16, 0),
} satisfies Readonly<Record<string, Span>>;

export type Capabilities = { readonly [Name in keyof typeof table]: boolean };

/** For a version as Dify writes it, `1.12.1`; of one that is not known the newest behaviour is expected. */
export function capabilities(version: string | null): Capabilities {
  const [, ...numbers] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version ?? '') ?? [];
  const [major = Infinity, minor = 0, patch = 0] = numbers.map((digits) => Number(digits ?? 0));
  const here: Version = [major, minor, patch];
  return Object.fromEntries(
    Object.entries<Span>(table).map(([name, span]) => [name, isWithin(here, span)]),
  ) as Capabilities;
}

function isWithin(here: Version, { from, until, except = [] }: Span): boolean {
  if (from !== undefined && compare(here, from) < 0) return false;
  if (until !== undefined && compare(here, until) >= 0) return false;
  return except.every((version) => compare(here, version) !== 0);
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
