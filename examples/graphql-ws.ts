import { print } from 'graphql';
import type { Client } from 'graphql-ws';
import {
  ChatStreamDocument,
  type ChatInput,
  type ChatStreamSubscription,
} from '../test/clients/operations.generated.ts';
import { applyRunEvent, noAnswer, type Answer } from './answer.ts';

/** Asks, and shows the answer as it grows. Give the socket of `openSocket`. */
export async function ask(socket: Client, question: ChatInput, show: (answer: Answer) => void): Promise<Answer> {
  const query = print(ChatStreamDocument);
  // The key is made once per question, not once per attempt: it is what a repeated subscription finds its run by.
  const variables = { input: { idempotencyKey: crypto.randomUUID(), ...question } };
  let answer = noAnswer;
  for await (const { data, errors } of socket.iterate<ChatStreamSubscription>({ query, variables })) {
    if (!data) throw new AggregateError(errors ?? [], errors?.[0]?.message);
    show((answer = applyRunEvent(answer, data.chatStream)));
  }
  return answer;
}
