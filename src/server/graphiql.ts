import { randomUUID } from 'node:crypto';
import type { GraphiQLOptions } from 'graphql-yoga';

export interface GraphiqlPage {
  options(request: Request): Promise<GraphiQLOptions>;
  render(options: GraphiQLOptions): Promise<string>;
}

/** What the tabs are about. */
export interface Examples {
  /** An app that is asked questions; null where there is none. */
  readonly chatApp: string | null;
  /** An app that runs workflows, with inputs that fit it, as a GraphQL literal. */
  readonly workflow: { readonly app: string; readonly inputs: string } | null;
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
      return renderGraphiQL(options).replace('</head>', `<style>${TABS_STAY}</style></head>`);
    },
  };
}

/** What the page sends with every operation, until somebody changes it there. */
export const pageHeaders: Readonly<Record<string, string>> = { 'x-user': 'me' };
const USER = JSON.stringify(pageHeaders, null, 2);

/** GraphiQL leaves its tabs with an old shift that takes effect while one is pressed: it jumps away, and the first click is lost. */
const TABS_STAY = '.graphiql-tab { transform: none !important }';

/** Arguments stand in the documents: GraphiQL forgets the variables that its default tabs come with. */
function tabs({ chatApp, workflow, runId }: Examples): NonNullable<GraphiQLOptions['defaultTabs']> {
  const queries: string[] = [];
  if (chatApp !== null) queries.push(stream(chatApp), ask(chatApp), history(chatApp));
  if (workflow !== null) queries.push(runWorkflow(workflow.app, workflow.inputs));
  queries.push(follow(runId));
  return queries.map((query) => ({ query: query.trimStart(), headers: USER }));
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
