import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import type { Client as Socket } from 'graphql-ws';
import { ChatStreamDocument, type ChatInput } from '../test/clients/operations.generated.ts';
import { applyRunEvent, noAnswer, type Answer } from './answer.ts';

/** Queries and mutations go over HTTP, subscriptions over the socket of `openSocket`. */
export function openApollo(url: string, user: string, socket: Socket): ApolloClient {
  return new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, headers: { 'x-user': user } }),
    ),
    cache: new InMemoryCache({
      possibleTypes: { Run: ['ChatRun', 'WorkflowRun'] },
      typePolicies: { App: { keyFields: ['name'] } },
    }),
  });
}

/** Asks, and shows the answer as it grows. */
export async function ask(client: ApolloClient, question: ChatInput, show: (answer: Answer) => void): Promise<Answer> {
  const variables = { input: { idempotencyKey: crypto.randomUUID(), ...question } };
  let answer = noAnswer;
  // Events are no entities: they stay out of the cache.
  const events = client.subscribe({ query: ChatStreamDocument, variables, fetchPolicy: 'no-cache' });
  await events.forEach(({ data, error }) => {
    if (!data) throw error as Error;
    show((answer = applyRunEvent(answer, data.chatStream)));
  });
  return answer;
}
