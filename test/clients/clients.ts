import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { getOperationAST, OperationTypeNode, print, type DocumentNode } from 'graphql';
import type { Client as Socket } from 'graphql-ws';
import type { Answer } from '../../examples/answer.ts';
import * as apollo from '../../examples/apollo.ts';
import * as plain from '../../examples/graphql-ws.ts';
import { openSocket } from '../../examples/socket.ts';
import * as urql from '../../examples/urql.ts';
import type { ChatInput, RunEventFieldsFragment as RunEvent } from './operations.generated.ts';

/** A client, set up as its example does it. */
export interface TestClient extends AsyncDisposable {
  readonly socket: Socket;
  /** A query or a mutation. */
  call<T, V>(document: TypedDocumentNode<T, V>, variables: V): Promise<T>;
  /** All events of a subscription. */
  follow<V>(document: TypedDocumentNode<object, V>, variables: V): Promise<RunEvent[]>;
  /** As the example asks. */
  ask(question: ChatInput, show?: (answer: Answer) => void): Promise<Answer>;
}

type Variables = Record<string, unknown>;

/** What differs between clients. */
interface Ways {
  call(document: DocumentNode, variables: Variables): Promise<unknown>;
  follow(document: DocumentNode, variables: Variables, next: (data: object) => void): Promise<void>;
  ask(question: ChatInput, show: (answer: Answer) => void): Promise<Answer>;
}

/** Everything over the socket. */
function plainWays(socket: Socket): Ways {
  async function follow(document: DocumentNode, variables: Variables, next: (data: object) => void): Promise<void> {
    for await (const { data, errors } of socket.iterate({ query: print(document), variables })) {
      if (!data) throw new Error(errors?.[0]?.message);
      next(data);
    }
  }
  return {
    async call(document, variables) {
      let last: object | undefined;
      await follow(document, variables, (data) => (last = data));
      return last;
    },
    follow,
    ask: (question, show) => plain.ask(socket, question, show),
  };
}

function urqlWays(socket: Socket, url: string, user: string): Ways {
  const client = urql.openUrql(url, user, socket);
  return {
    async call(document, variables) {
      const way = isMutation(document) ? 'mutation' : 'query';
      const { data, error } = await client[way](document, variables).toPromise();
      if (!data) throw error!;
      return data;
    },
    follow: (document, variables, next) =>
      new Promise((resolve, reject) => {
        client.subscription(document, variables).subscribe(({ data, error }) => {
          if (!data) return reject(error!);
          next(data);
          if (eventOf(data).__typename === 'RunFinished') resolve();
        });
      }),
    ask: (question, show) => urql.ask(client, question, show),
  };
}

function apolloWays(socket: Socket, url: string, user: string): Ways {
  const client = apollo.openApollo(url, user, socket);
  return {
    async call(document, variables) {
      const result = isMutation(document)
        ? await client.mutate({ mutation: document, variables })
        : await client.query({ query: document, variables });
      return result.data;
    },
    follow: (document, variables, next) =>
      client.subscribe({ query: document, variables, fetchPolicy: 'no-cache' }).forEach(({ data, error }) => {
        if (!data) throw error as Error;
        next(data);
      }),
    ask: (question, show) => apollo.ask(client, question, show),
  };
}

export type OpenClient = (url: string, user?: string) => TestClient;

export const clients: readonly (readonly [name: string, open: OpenClient])[] = [
  ['graphql-ws', opener(plainWays)],
  ['urql', opener(urqlWays)],
  ['Apollo Client', opener(apolloWays)],
];

function opener(ways: (socket: Socket, url: string, user: string) => Ways): OpenClient {
  return (url, user = 'ann') => {
    const socket = openSocket(url, user);
    const own = ways(socket, url, user);
    return {
      socket,
      call: async (document, variables) => (await own.call(document, variables as Variables)) as never,
      async follow(document, variables) {
        const events: RunEvent[] = [];
        await own.follow(document, variables as Variables, (data) => events.push(eventOf(data)));
        return events;
      },
      ask: (question, show = () => undefined) => own.ask(question, show),
      [Symbol.asyncDispose]: async () => socket.dispose(),
    };
  };
}

function isMutation(document: DocumentNode): boolean {
  return getOperationAST(document)?.operation === OperationTypeNode.MUTATION;
}

/** Subscriptions have one field, and all of ours select the same of it. */
function eventOf(data: object): RunEvent {
  return Object.values(data)[0] as RunEvent;
}
