import { ask, askAndWait, readMessages } from './upstream.js';

/** What all peers serve: the part of the product's schema that the benchmark uses. */
export const typeDefs = /* GraphQL */ `
  input ChatInput {
    query: String!
    idempotencyKey: ID
    autoGenerateName: Boolean = true
    onDisconnect: String
  }
  interface RunEvent {
    seq: Int!
    runId: ID!
  }
  type RunAttached implements RunEvent {
    seq: Int!
    runId: ID!
  }
  type TextDelta implements RunEvent {
    seq: Int!
    runId: ID!
    offset: Int!
    text: String!
  }
  type RunFinished implements RunEvent {
    seq: Int!
    runId: ID!
    status: String!
  }
  type ChatPayload {
    answer: String!
    conversationId: ID
    messageId: ID
  }
  type Message {
    id: ID!
    createdAt: String!
    query: String!
    answer: String!
  }
  type PageInfo {
    hasPreviousPage: Boolean!
    startCursor: String
  }
  type MessageConnection {
    nodes: [Message!]!
    pageInfo: PageInfo!
  }
  type Query {
    conversationHistory(conversationId: ID!, last: Int = 20): MessageConnection!
  }
  type Mutation {
    chat(input: ChatInput!): ChatPayload!
  }
  type Subscription {
    chatStream(input: ChatInput!, after: Int): RunEvent!
    runEvents(runId: ID!, after: Int): RunEvent!
  }
`;

const RunEvent = { __resolveType: ({ __typename }) => __typename };

const Query = {
  async conversationHistory(_, { conversationId, last }) {
    const { data, has_more: hasPreviousPage } = await readMessages(conversationId, last);
    const nodes = data.map(({ id, created_at: at, query, answer }) => ({
      id,
      createdAt: new Date(at * 1000).toISOString(),
      query,
      answer,
    }));
    return { nodes, pageInfo: { hasPreviousPage, startCursor: nodes[0]?.id ?? null } };
  },
};

const Mutation = {
  async chat(_, { input }) {
    const { answer, conversation_id: conversationId, message_id: messageId } = await askAndWait(input.query);
    return { answer, conversationId, messageId };
  },
};

/** `follow` and `tell` are those of the server's own PubSub: for watchers, who see what comes from now on. */
export function resolversWith({ follow, tell }) {
  async function* chatStream(_, { input }, context) {
    for await (const event of ask(input.query, input.idempotencyKey)) {
      tell(event, context);
      yield { chatStream: event };
    }
  }
  return {
    RunEvent,
    Query,
    Mutation,
    Subscription: {
      chatStream: { subscribe: chatStream },
      runEvents: { subscribe: (_, { runId }, context) => follow(runId, context) },
    },
  };
}
