import { z } from 'zod';
import { address as network } from './auth.ts';
import { list, optional, section, truth, whole } from './values.ts';

/** What is refused, so that nobody takes what is there for others. The defaults stand beside the fields; 0 is no limit where it is written. */
export interface LimitsConfig {
  /** How large an operation may be. */
  readonly document: {
    /** 2 000 */
    readonly tokens: number;
    /** 20; introspection takes 15. */
    readonly depth: number;
    /** 50 */
    readonly aliases: number;
    /** 50 */
    readonly directives: number;
    /** 20 */
    readonly rootFields: number;
    /** 10 000: each field is 1, times the pages that it stands in. */
    readonly cost: number;
    /** 10 000: what stands in variables, in lists and objects too. */
    readonly values: number;
  };
  /** true: whether the schema can be asked for. */
  readonly introspection: boolean;
  /** true: whether errors name fields that may have been meant. */
  readonly suggestions: boolean;
  /** Any operation: the folder or the file of those that are taken, and no other. */
  readonly persistedOperations: string | undefined;
  /** Of each user; all but `connections` also across processes that share a Redis. */
  readonly user: {
    /** 600; 0 */
    readonly operationsPerMinute: number;
    /** 60; 0 */
    readonly runsPerMinute: number;
    /** 20; 0: those that wait for their turn with them, those that wait for a person not. */
    readonly runsAtOnce: number;
    /** 100; 0: WebSockets, and requests that are not answered yet. */
    readonly connections: number;
  };
  readonly address: {
    /** 6 000; 0 */
    readonly operationsPerMinute: number;
    /** 1 000; 0: WebSockets and event streams. */
    readonly connections: number;
  };
  readonly app: {
    /** 0 */
    readonly runsPerMinute: number;
  };
  /** Of each WebSocket. */
  readonly socket: {
    /** 100: operations at once. */
    readonly operations: number;
    /** 100: what is sent beyond them is read later. */
    readonly messagesPerSecond: number;
    /** 10: without an operation. */
    readonly idleMinutes: number;
  };
  /** 10 000: of all kinds, in this process. */
  readonly connections: number;
  /** 10 000: for the headers of a request. */
  readonly headersMs: number;
  /** 30 000: for its body, and for the next piece of an upload. */
  readonly bodyMs: number;
  /** 512: of requests that are held in memory at once; from one address half of it. */
  readonly bodyMegabytes: number;
  /** None besides `auth.proxy.addresses`: whose `x-forwarded-for` is believed. */
  readonly proxies: readonly string[];
}

const million = 1_000_000;
const document = {
  tokens: whole(2_000, 50, million),
  depth: whole(20, 1, 1_000),
  aliases: whole(50, 0, million),
  directives: whole(50, 0, million),
  rootFields: whole(20, 1, million),
  cost: whole(10_000, 1, 1_000 * million),
  values: whole(10_000, 1, million),
};
const user = {
  operationsPerMinute: whole(600, 0, million),
  runsPerMinute: whole(60, 0, million),
  runsAtOnce: whole(20, 0, million),
  connections: whole(100, 0, million),
};
const address = { operationsPerMinute: whole(6_000, 0, million), connections: whole(1_000, 0, million) };
const app = { runsPerMinute: whole(0, 0, million) };
const socket = {
  operations: whole(100, 1, million),
  messagesPerSecond: whole(100, 1, million),
  idleMinutes: whole(10, 1, 10_080),
};

export const limits = {
  document: section(document),
  introspection: truth(true),
  suggestions: truth(true),
  persistedOperations: optional(z.string('write the path of a folder or a file').optional()),
  user: section(user),
  address: section(address),
  app: section(app),
  socket: section(socket),
  connections: whole(10_000, 1, million),
  headersMs: whole(10_000, 1, 3_600_000),
  bodyMs: whole(30_000, 1, 3_600_000),
  bodyMegabytes: whole(512, 64, million),
  proxies: optional(list(network, '[10.0.0.5]'), []),
};

/** Section → what can be written there. */
export const limitNames: Readonly<Record<string, readonly string[]>> = {
  limits: Object.keys(limits),
  'limits.document': Object.keys(document),
  'limits.user': Object.keys(user),
  'limits.address': Object.keys(address),
  'limits.app': Object.keys(app),
  'limits.socket': Object.keys(socket),
};
