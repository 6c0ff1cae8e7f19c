import { randomUUID } from 'node:crypto';
import { literal, type Examples } from './examples.ts';

export const stream = ({ chat }: Examples) =>
  chat &&
  `
# Ask and watch the answer grow: press the button.
# GraphiQL shows the newest event only; that is what "accumulated" is for.
# Another question needs another idempotencyKey: the same key is the same answer.
subscription Stream {
  chatStream(
    input: {
      app: ${literal(chat)}
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

export const ask = ({ chat }: Examples) =>
  chat &&
  `
# Ask and wait for the whole answer. Put a conversationId here to go on with a conversation.
mutation Ask {
  chat(input: { app: ${literal(chat)}, query: "Hello! Who are you?", conversationId: null }) {
    answer
    complete
    conversationId
    run { id status error { code message } timing { firstTextMs totalMs } }
  }
}`;

export const workflow = ({ workflow: example }: Examples) =>
  example &&
  `
# Run a workflow and watch its nodes. Another run needs another idempotencyKey.
subscription Workflow {
  workflowStream(
    input: {
      app: ${literal(example.app)}
      inputs: ${example.inputs}
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
}

# The same, and wait for its end.
mutation RunWorkflow {
  runWorkflow(input: { app: ${literal(example.app)}, inputs: ${example.inputs} }) {
    status
    outputs
    usage { totalTokens totalPrice currency }
    run { id workflowRunId error { code message } }
  }
}`;

export const complete = ({ completion }: Examples) =>
  completion &&
  `
# Have a Text Generator app write something.
mutation Complete {
  complete(input: { app: ${literal(completion.app)}, inputs: ${completion.inputs} }) {
    answer
    run { id status error { code message } usage { totalTokens totalPrice currency } }
  }
}

# And watch it.
subscription CompleteStream {
  completionStream(input: { app: ${literal(completion.app)}, inputs: ${completion.inputs}, idempotencyKey: "${randomUUID()}" }) {
    __typename
    seq
    ... on TextDelta { accumulated }
    ... on RunFinished { status error { code message } run { id ... on ChatRun { answer } } }
  }
}`;
