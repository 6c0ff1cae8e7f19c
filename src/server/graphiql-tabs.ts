import { randomUUID } from 'node:crypto';

/** What the tabs are about; null where there is none. */
export interface Examples {
  /** An app that is asked questions. */
  readonly chatApp: string | null;
  /** Apps that take inputs, with some that fit, as a GraphQL literal. */
  readonly workflow: ExampleInputs | null;
  readonly completion: ExampleInputs | null;
  /** A workflow that asks a person. */
  readonly approval: ExampleInputs | null;
  /** The newest run of whoever opens the page, and the message it made. */
  readonly run: { readonly id: string; readonly app: string; readonly messageId: string | null } | null;
}
interface ExampleInputs {
  readonly app: string;
  readonly inputs: string;
}

/** The documents of GraphiQL's tabs. Arguments stand in them: GraphiQL forgets the variables that its default tabs come with. */
export function tabs({ chatApp, workflow, completion, approval, run }: Examples): string[] {
  const written: string[] = [];
  if (chatApp !== null) written.push(stream(chatApp), ask(chatApp), history(chatApp));
  if (workflow !== null) written.push(runWorkflow(workflow.app, workflow.inputs));
  if (completion !== null) written.push(complete(completion));
  written.push(follow(run?.id ?? null), forms(approval));
  if (chatApp !== null) written.push(app(chatApp), feedback(run?.app ?? chatApp, run?.messageId ?? null));
  return written.map((document) => document.trimStart());
}

const stream = (app: string): string => `
# Ask and watch the answer grow: press the button.
# GraphiQL shows the newest event only; that is what "accumulated" is for.
# Another question needs another idempotencyKey: the same key is the same answer.
subscription Stream {
  chatStream(
    input: {
      app: ${JSON.stringify(app)}
      query: "What can you tell me about GraphQL subscriptions?"
      idempotencyKey: "${randomUUID()}"
    }
  ) {
    __typename
    seq
    ... on RunAttached { mode text }
    ... on TextDelta { accumulated }
    ... on ReasoningDelta { text }
    ... on RunFinished {
      status
      error { code message }
      usage { totalTokens totalPrice currency }
      run { id ... on ChatRun { answer conversationId } }
    }
  }
}`;

const ask = (app: string): string => `
# Ask and wait for the whole answer. Add conversationId to go on with a conversation.
mutation Ask {
  chat(input: { app: ${JSON.stringify(app)}, query: "Hello! Who are you?" }) {
    answer
    complete
    conversationId
    run { id status error { code message } timing { firstTextMs totalMs } }
  }
}`;

const history = (app: string): string => `
# Your conversations, and what was said in them.
query History {
  conversations(app: ${JSON.stringify(app)}, first: 5) {
    nodes {
      id
      name
      updatedAt
      history(last: 10) {
        nodes { query answer reasoning createdAt }
        pageInfo { hasPreviousPage startCursor }
      }
    }
  }
}`;

const runWorkflow = (app: string, inputs: string): string => `
# Run a workflow and watch its nodes. Another run needs another idempotencyKey.
subscription Workflow {
  workflowStream(
    input: {
      app: ${JSON.stringify(app)}
      inputs: ${inputs}
      idempotencyKey: "${randomUUID()}"
    }
  ) {
    __typename
    seq
    ... on NodeChanged {
      node { title status elapsedSeconds retries }
      progress { started finished current }
    }
    ... on TextDelta { accumulated }
    ... on RunFinished {
      status
      error { code message }
      run { id ... on WorkflowRun { outputs nodes { title status } } }
    }
  }
}`;

const follow = (runId: string | null): string => `
# Follow any of your runs: all so far first, then what comes.
# "Runs" lists them: put the id of one into "Follow".
query Runs {
  runs(first: 10) { nodes { id kind status createdAt app { name } } }
}

subscription Follow {
  runEvents(runId: ${JSON.stringify(runId ?? 'an id from Runs')}) {
    __typename
    seq
    ... on RunAttached { mode text run { id status } }
    ... on TextDelta { accumulated }
    ... on RunFinished { status error { code message } }
  }
}`;

const complete = ({ app, inputs }: ExampleInputs): string => `
# Have a Text Generator app write something.
mutation Complete {
  complete(input: { app: ${JSON.stringify(app)}, inputs: ${inputs} }) {
    answer
    run { id status error { code message } usage { totalTokens totalPrice currency } }
  }
}`;

const forms = (approval: ExampleInputs | null): string => `
# Workflows can wait for a person. ${approval ? '"Approve" starts one that does; ' : ''}"Forms" shows what waits for you, "Answer" answers it.
${
  approval
    ? `subscription Approve {
  workflowStream(input: { app: ${JSON.stringify(approval.app)}, inputs: ${approval.inputs}, idempotencyKey: "${randomUUID()}" }) {
    __typename
    seq
    ... on RunPaused { forms { id title content fields { name type options } actions { id title } } }
    ... on RunResumed { action timedOut }
    ... on RunFinished { status run { ... on WorkflowRun { outputs } } }
  }
}

`
    : ''
}query Forms {
  pendingForms { id runId title content fields { name type options default } actions { id title } expiresAt }
}

mutation Answer {
  submitHumanInput(input: { formId: "an id from Forms", action: "approve", inputs: { comment: "Fine by me", channel: "mail" } }) {
    run { id status }
  }
}`;

const app = (name: string): string => `
# What an app asks for and what it can do.
query App {
  app(name: ${JSON.stringify(name)}) {
    title
    mode
    openingStatement
    suggestedQuestions
    inputs { variable label type required options }
    features { citations speechToText textToSpeech fileUpload { types numberLimit } }
    capabilities
  }
}`;

const feedback = (app: string, messageId: string | null): string => `
# Rate an answer: put the id of a message of yours here (a null rating takes it back).
mutation Rate {
  rateMessage(app: ${JSON.stringify(app)}, messageId: ${JSON.stringify(messageId ?? 'a messageId from a run')}, rating: LIKE, comment: "Just what I needed") {
    messageId
    rating
  }
}

mutation Stop {
  stopRun(runId: "an id from the query Runs") { confirmed run { id status } }
}`;
