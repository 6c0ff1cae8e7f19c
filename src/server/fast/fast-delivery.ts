import { execute } from '@graphql-tools/executor';
import {
  createSourceEventStream,
  validateSubscriptionArgs,
  type ExecutionArgs,
  type ExecutionResult,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { Teller, writerOf, type Deliver, type TellerOptions } from './teller.ts';

/** What a door that can send JSON as it is adds to the context of an operation. */
export interface Direct {
  readonly deliver?: Deliver;
}

/**
 * The fast way of a subscription's events, for doors that can take it: what the operation selects is compiled once, and each event
 * goes from the log to the socket without being executed. What cannot be told so goes the ordinary way, event by event, in order.
 */
export function fastDelivery(logger: Logger, options: TellerOptions): Plugin<Direct> {
  return {
    onSubscribe: ({ args, subscribeFn, setSubscribeFn }) => {
      const { deliver } = args.contextValue;
      if (!deliver) return;
      setSubscribeFn((given: ExecutionArgs) => {
        const operation = validateSubscriptionArgs(given);
        if (!('schema' in operation)) return subscribeFn(given) as never;
        // As Yoga does by itself: its executor tells errors in other words than graphql-js.
        const ordinary = (event: unknown) => execute({ ...given, rootValue: event }) as ExecutionResult;
        const teller = new Teller(writerOf(operation, given.document), deliver, options);
        return subscribe(operation, { teller, ordinary }, logger);
      });
    },
  };
}

/** A stream of events that need not be waited for one by one, if it can tell when there are any. */
interface Source extends AsyncIterator<unknown> {
  /** The next event, if there is one now. */
  ready(): unknown;
  readonly isOver: boolean;
  /** Calls back once, as soon as there may be another event, or none any more. */
  wait(wake: () => void): void;
}

type Given = Pick<ValidatedSubscriptionArgs, 'contextValue'>;

/** How events are told. */
interface Ways {
  readonly teller: Teller;
  readonly ordinary: (event: unknown) => ExecutionResult | Promise<ExecutionResult>;
}

async function subscribe(
  operation: ValidatedSubscriptionArgs,
  ways: Ways,
  logger: Logger,
): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(operation);
  if (!(Symbol.asyncIterator in source)) return source;
  const events = source[Symbol.asyncIterator]();
  const { teller } = ways;
  let isOver = false;
  function over(): void {
    if (isOver) return;
    isOver = true;
    logger.debug({ operation: operation.operation.name?.value, ...teller.told }, 'subscription ended');
  }
  const next =
    'wait' in events ? () => told(events as Source, ways, operation) : () => awaited(events, ways, operation);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    /** Resolves with what has to go the ordinary way, or with the end. */
    async next() {
      const result = await next();
      if (result === null) over();
      return result === null ? { done: true, value: undefined } : { done: false, value: result };
    },
    async return() {
      over();
      await events.return?.();
      return { done: true, value: undefined };
    },
  } as AsyncIterableIterator<ExecutionResult>;
}

/** Tells events while they happen, without a promise for each, up to one that has to go the ordinary way; null for the end. */
function told(events: Source, { teller, ordinary }: Ways, { contextValue }: Given): Promise<ExecutionResult | null> {
  return new Promise((resolve, reject) => {
    function tell(): void {
      try {
        for (let event = events.ready(); event !== undefined; event = events.ready()) {
          const json = teller.json(event, contextValue);
          if (json === null) return resolve(ordinary(event));
          const sent = teller.deliver(json);
          if (sent) return void sent.then(tell, reject);
        }
        if (events.isOver) resolve(null);
        else events.wait(tell);
      } catch (error) {
        reject(error as Error);
      }
    }
    tell();
  });
}

/** The same of events that can only be waited for. */
async function awaited(
  events: AsyncIterator<unknown>,
  { teller, ordinary }: Ways,
  { contextValue }: Given,
): Promise<ExecutionResult | null> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return null;
    const json = teller.json(value, contextValue);
    if (json === null) return ordinary(value);
    const sent = teller.deliver(json);
    if (sent) await sent;
  }
}
