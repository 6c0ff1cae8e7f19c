import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import type { Client as Socket, Sink } from 'graphql-ws';
import { ChatStreamDocument, type ChatInput } from '../test/clients/operations.generated.ts';
import { applyRunEvent, noAnswer, type Answer } from './answer.ts';

/** Queries and mutations go over HTTP, subscriptions over the socket of `openSocket`. */
export function openUrql(url: string, user: string, socket: Socket): Client {
  return new Client({
    url,
    // The second is what shows that files, which are sent as a form, are not sent by just any page.
    fetchOptions: { headers: { 'x-user': user, 'apollo-require-preflight': 'true' } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables = {} }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink as Sink) }),
        }),
      }),
    ],
  });
}

/** Asks, and shows the answer as it grows. */
export function ask(client: Client, question: ChatInput, show: (answer: Answer) => void): Promise<Answer> {
  const variables = { input: { idempotencyKey: crypto.randomUUID(), ...question } };
  let answer = noAnswer;
  return new Promise((resolve, reject) => {
    client.subscription(ChatStreamDocument, variables).subscribe(({ data, error }) => {
      if (!data) return reject(error!);
      show((answer = applyRunEvent(answer, data.chatStream)));
      // urql does not tell when a subscription is complete; this event always comes last.
      if (data.chatStream.__typename === 'RunFinished') resolve(answer);
    });
  });
}
