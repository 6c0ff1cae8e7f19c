import { randomUUID } from 'node:crypto';
import { literal, type Examples } from './examples.ts';

export function runs({ yours }: Examples): string {
  const id = literal(yours.run ?? 'an id from Runs');
  return `
# Follow any of your runs: all so far first, then what comes.
# "Runs" lists them: put the id of one into "Follow".
query Runs {
  runs(first: 10) { nodes { id kind status createdAt app { name } } }
}

subscription Follow {
  runEvents(runId: ${id}) {
    __typename
    seq
    ... on RunAttached { mode text run { id status } }
    ... on TextDelta { accumulated }
    ... on RunFinished { status error { code message } }
  }
}

query One {
  run(id: ${id}) {
    kind
    status
    lastSeq
    watchers
    timing { firstByteMs firstTextMs totalMs }
    usage { totalTokens totalPrice currency }
    error { code message }
    ... on ChatRun { answer reasoning conversationId messageId nodes { title status } }
    ... on WorkflowRun { inputs outputs nodes { title status } }
  }
}`;
}

export function stop({ chat, yours: { long } }: Examples): string | null {
  if (chat === null || long === null) return null;
  return `
# "Stoppable" starts an answer that takes its time (with the demo apps, that is what "!long" does); "Stop" ends it.
# A run lives in the gateway, not in this page: it goes on while you look elsewhere.
mutation Stoppable {
  chat(input: { app: ${literal(chat)}, query: "!long Tell me a long story", idempotencyKey: "${long.key}", waitMs: 0 }) {
    complete
    run { id status }
  }
}

# The id of a run follows from who asks and the key: this is the one of "Stoppable".
mutation Stop {
  stopRun(runId: "${long.runId}") { confirmed run { id status ... on ChatRun { answer } } }
}`;
}

export function records({ workflow, yours: { workflowRun } }: Examples): string | null {
  if (workflow === null) return null;
  return `
# What Dify itself keeps of ended runs: yours, or everybody's for an admin.
query Records {
  workflowLogs(app: ${literal(workflow.app)}, first: 5) {
    nodes { createdAt createdFrom user run { id workflowId status totalSteps totalTokens elapsedSeconds } }
    pageInfo { hasNextPage endCursor }
  }
}

# Of one run: the "workflowRunId" of a run is the id here.
query Record {
  workflowRunRecord(app: ${literal(workflowRun?.app ?? workflow.app)}, id: ${literal(workflowRun?.recordId ?? 'an id from Records')}) {
    workflowId status inputs outputs error totalSteps totalTokens elapsedSeconds
  }
}

# Put the workflowId of a record here to run that version, whatever has been published since; null is the newest.
mutation Pinned {
  runWorkflow(input: { app: ${literal(workflow.app)}, inputs: ${workflow.inputs}, workflowId: null }) {
    status
    outputs
    run { workflowRunId error { code message } }
  }
}`;
}

export function forms({ approval, yours: { form } }: Examples): string {
  return `
# Workflows can wait for a person. "Forms" shows what waits for you, "Answer" answers it.
query Forms {
  pendingForms { id runId title content fields { name type options default } actions { id title } expiresAt }
}
${approval === null ? '' : start(approval.app, approval.inputs)}
mutation Answer {
  submitHumanInput(
    input: { formId: ${literal(form ?? 'an id from Forms')}, action: "approve", inputs: { comment: "Fine by me", channel: "mail" } }
  ) {
    run { id status }
  }
}`;
}

const start = (app: string, inputs: string) => `
# Starts a workflow that waits, and goes on when the form is answered, from another tab or by somebody else.
subscription Approve {
  workflowStream(input: { app: ${literal(app)}, inputs: ${inputs}, idempotencyKey: "${randomUUID()}" }) {
    __typename
    seq
    ... on RunPaused { forms { id title content fields { name type options } actions { id title } } }
    ... on RunResumed { action timedOut }
    ... on RunFinished { status run { ... on WorkflowRun { outputs } } }
  }
}
`;
