import { execute } from '@graphql-tools/executor';
import {
  createSourceEventStream,
  validateSubscriptionArgs,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { compile, type Write } from './compile.ts';
import { Unsuited } from './unsuited.ts';

/** Takes the JSON of an event's `data` to the client. A promise asks to wait before the next. */
export type Deliver = (data: string) => void | Promise<void>;

/** What a door that can send JSON as it is adds to the context of an operation. */
export interface Direct {
  readonly deliver?: Deliver;
}

/** Something that readers with the same operation are told in the same words, so that they are made once; null for anything else. */
export type SharedBy = (event: unknown) => object | null;

/**
 * The fast way of a subscription's events, for doors that can take it: what the operation selects is compiled once, and each event
 * goes from the log to the socket without being executed. What cannot be told so goes the ordinary way, event by event, in order.
 */
export function fastDelivery(logger: Logger, sharedBy: SharedBy = () => null): Plugin<Direct> {
  return {
    onSubscribe: ({ args, subscribeFn, setSubscribeFn }) => {
      const { deliver } = args.contextValue;
      if (!deliver) return;
      setSubscribeFn((given: ExecutionArgs) => {
        const operation = validateSubscriptionArgs(given);
        if (!('schema' in operation)) return subscribeFn(given) as never;
        // As Yoga does by itself: its executor tells errors in other words than graphql-js.
        const ordinary = (event: unknown) => execute({ ...given, rootValue: event }) as ExecutionResult;
        const teller = new Teller(writerOf(operation, given.document), deliver, sharedBy);
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

/** By document, of those whose selections no variable has a part in: readers with the same operation have the same writer. */
const writers = new WeakMap<DocumentNode, Map<string, Writer>>();

interface Writer {
  readonly write: Write;
  /** What was made for one reader last, and is the same for the others, in the order in which it was made. */
  readonly made: Map<object, string>;
}

/** Readers of the same run are told the same within one turn of the event loop, mostly; kept for longer it would be kept twice. */
const MOST_MADE = 256;
/** In UTF-16 units. What is longer was merged for a reader that is behind, and is nobody else's. */
const LONGEST_MADE = 1_024;

function writerOf(operation: ValidatedSubscriptionArgs, document: DocumentNode): Writer | Unsuited {
  const name = operation.operation.name?.value ?? '';
  const known = writers.get(document)?.get(name);
  if (known) return known;
  try {
    const { write, isConstant } = compile(operation);
    const writer = { write, made: new Map<object, string>() };
    if (isConstant) {
      if (!writers.has(document)) writers.set(document, new Map());
      writers.get(document)?.set(name, writer);
    }
    return writer;
  } catch (error) {
    return error instanceof Unsuited ? error : new Unsuited(String(error));
  }
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

/** Makes JSON of events as long as it can, and counts how often it could not. */
class Teller {
  readonly deliver: Deliver;
  readonly #writer: Writer | null;
  readonly #sharedBy: SharedBy;
  #fast = 0;
  #ordinary = 0;
  #why: string | undefined;

  constructor(writer: Writer | Unsuited, deliver: Deliver, sharedBy: SharedBy) {
    this.#writer = writer instanceof Unsuited ? null : writer;
    this.#why = writer instanceof Unsuited ? writer.message : undefined;
    this.deliver = deliver;
    this.#sharedBy = sharedBy;
  }

  /** How many events went which way, and what the last one that went the ordinary way was lacking. */
  get told(): { readonly fast: number; readonly ordinary: number; readonly why: string | undefined } {
    return { fast: this.#fast, ordinary: this.#ordinary, why: this.#why };
  }

  /** Null for an event that has to be executed. */
  json(event: unknown, context: unknown): string | null {
    const writer = this.#writer;
    if (writer) {
      try {
        const key = this.#sharedBy(event);
        const json = key ? shared(writer, key, event, context) : writer.write(event, context);
        this.#fast += 1;
        return json;
      } catch (error) {
        // An error of a resolver is told by an execution, too.
        this.#why = error instanceof Error ? error.message : String(error);
      }
    }
    this.#ordinary += 1;
    return null;
  }
}

function shared({ write, made }: Writer, key: object, event: unknown, context: unknown): string {
  let json = made.get(key);
  if (json !== undefined) return json;
  json = write(event, context);
  if (json.length > LONGEST_MADE) return json;
  made.set(key, json);
  const [oldest] = made.size > MOST_MADE ? made.keys() : [];
  if (oldest) made.delete(oldest);
  return json;
}
