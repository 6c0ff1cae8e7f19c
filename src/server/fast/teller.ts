import type { DocumentNode, ValidatedSubscriptionArgs } from 'graphql';
import { compile, type Write } from './compile.ts';
import type { ToldEvents } from './told-events.ts';
import { Unsuited } from './unsuited.ts';

/** Takes the JSON of an event's `data` to the client. A promise asks to wait before the next. */
export type Deliver = (data: string) => void | Promise<void>;

/** Something that readers with the same operation are told in the same words, so that they are made once; null for anything else. */
export type SharedBy = (event: unknown) => object | null;

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

export function writerOf(operation: ValidatedSubscriptionArgs, document: DocumentNode): Writer | Unsuited {
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
    return error instanceof Unsuited ? error : new Unsuited('an operation that could not be compiled');
  }
}

export interface TellerOptions {
  readonly sharedBy: SharedBy;
  readonly all: ToldEvents;
}

/** Makes JSON of events as long as it can, and counts how often it could not. */
export class Teller {
  readonly deliver: Deliver;
  readonly #writer: Writer | null;
  readonly #sharedBy: SharedBy;
  readonly #all: ToldEvents;
  #fast = 0;
  #ordinary = 0;
  #why: string | undefined;

  /** `all`: where its events are counted with those of others. */
  constructor(writer: Writer | Unsuited, deliver: Deliver, { sharedBy, all }: TellerOptions) {
    this.#writer = writer instanceof Unsuited ? null : writer;
    this.#why = writer instanceof Unsuited ? writer.message : undefined;
    this.deliver = deliver;
    this.#sharedBy = sharedBy;
    this.#all = all;
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
        this.#all.compiled += 1;
        return json;
      } catch (error) {
        // An error of a resolver is told by an execution, too.
        this.#why = error instanceof Unsuited ? error.message : 'an error';
      }
    }
    this.#ordinary += 1;
    this.#all.countExecuted(this.#why ?? '');
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
