import { randomUUID } from 'node:crypto';
import type { GraphiQLOptions } from 'graphql-yoga';

export interface GraphiqlPage {
  options(request: Request): Promise<GraphiQLOptions>;
  render(options: GraphiQLOptions): Promise<string>;
}

/** What the tabs are about. */
export interface Examples {
  /** An app that is asked questions, and one that runs workflows, with inputs that fit it; null where there is none. */
  readonly chatApp: string | null;
  readonly workflow: { readonly app: string; readonly inputs: Readonly<Record<string, unknown>> } | null;
  /** A run of whoever opens the page, to follow. */
  readonly runId: string | null;
}

/** GraphiQL from this server alone: nothing is loaded from elsewhere. Its 9 MB are read when somebody opens the page. */
export function graphiqlPage(examples: (request: Request) => Promise<Examples>): GraphiqlPage {
  return {
    options: async (request) => ({
      title: 'dify-graphql',
      subscriptionsProtocol: 'WS',
      defaultTabs: tabs(await examples(request)),
      headers: USER,
      defaultHeaders: USER,
      shouldPersistHeaders: true,
    }),
    render: async (options) => {
      const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
      return renderGraphiQL(options);
    },
  };
}

const USER = JSON.stringify({ 'x-user': 'me' }, null, 2);

interface Tab {
  readonly query: string;
  readonly variables?: object;
}

function tabs({ chatApp, workflow, runId }: Examples): NonNullable<GraphiQLOptions['defaultTabs']> {
  const written: Tab[] = [];
  if (chatApp !== null) written.push(stream(chatApp), ask(chatApp), history(chatApp));
  if (workflow !== null) written.push(runWorkflow(workflow.app, workflow.inputs));
  written.push(follow(runId));
  return written.map(({ query, variables }) => ({ query: query.trimStart(), headers: USER, ...(variables ? { variables: JSON.stringify(variables, null, 2) } : {}) }));
}

const stream = (app: string): Tab => ({
  query: `
# Ask and watch the answer grow. GraphiQL shows the newest event only: that is what \`accumulated\` is for.
# A new question needs a new idempotencyKey (see the variables below); the same one shows the same answer again.
subscription Stream($input: ChatInput!) {
  chatStream(input: $input) {
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
}`,
  variables: { input: { app, query: 'What can you tell me about GraphQL subscriptions?', idempotencyKey: randomUUID() } },
});

const ask = (app: string): Tab => ({
  query: `
# Ask and wait for the whole answer.
mutation Ask($input: ChatInput!) {
  chat(input: $input) {
    answer
    complete
    conversationId
    run { id status error { code message } timing { firstTextMs totalMs } }
  }
}`,
  variables: { input: { app, query: 'Hello! Who are you?' } },
});

const history = (app: string): Tab => ({
  query: `
# Your conversations, and what was said in them.
query History($app: ID!) {
  conversations(app: $app, first: 5) {
    nodes {
      id
      name
      updatedAt
      history(last: 10) { nodes { query answer reasoning createdAt } pageInfo { hasPreviousPage startCursor } }
    }
  }
}`,
  variables: { app },
});

const runWorkflow = (app: string, inputs: object): Tab => ({
  query: `
# Run a workflow and watch its nodes. A new run needs a new idempotencyKey.
subscription Workflow($input: RunWorkflowInput!) {
  workflowStream(input: $input) {
    __typename
    seq
    ... on NodeChanged { node { title status elapsedSeconds retries } progress { started finished current } }
    ... on TextDelta { accumulated }
    ... on RunFinished { status error { code message } run { id ... on WorkflowRun { outputs nodes { title status } } } }
  }
}`,
  variables: { input: { app, inputs, idempotencyKey: randomUUID() } },
});

const follow = (runId: string | null): Tab => ({
  query: `
# Follow any of your runs: all so far first, then what comes. Take an id from \`Runs\` and put it into the variables below.
query Runs {
  runs(first: 10) { nodes { id kind status createdAt app { name } } }
}

subscription Follow($runId: ID!) {
  runEvents(runId: $runId) {
    __typename
    seq
    ... on RunAttached { mode text run { id status } }
    ... on TextDelta { accumulated }
    ... on RunFinished { status error { code message } }
  }
}`,
  variables: { runId: runId ?? 'an id from the query Runs' },
});
