import type { Answer } from './answer.ts';
import { openGraphqlClient } from './graphql-client.ts';
import { openRelayClient } from './relay-client.ts';

/** Someone at a socket, with one question at a time. */
export interface Client {
  /** `cancel`: the answer is not wanted once nobody listens. */
  ask(query: string, answer: Answer, cancel?: boolean): void;
  /** Listens to what another has asked: the run's id, or whatever is asked where there is only one. */
  watch(runId: string, answer: Answer): void;
  /** Of the question, once it is answered; empty where there is none. */
  readonly runId: string;
  /** Ends the question, and keeps the socket. */
  complete(): void;
  /** As a network does it. */
  cut(): void;
  /** Opens a socket again and goes on where it was; resolves once it is attached again. */
  resume(): Promise<void>;
  /** Stops reading the socket. */
  pause(): void;
  unpause(): void;
  close(): void;
}

/** GraphQL or the relay: `url` is that of HTTP. */
export function openClient(url: string, user: string): Promise<Client> {
  return url.endsWith('/graphql') ? openGraphqlClient(url, user) : openRelayClient(url);
}
