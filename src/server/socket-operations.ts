interface Operation {
  readonly id: string;
  /** Aborted when its client is gone. */
  readonly gone: AbortController;
  /** False once its client has completed it. */
  readonly isWanted: () => boolean;
}

/** One for all: to make an error costs more than the rest of an operation's end. */
const HAS_LEFT = new DOMException('The client waits for this no more', 'AbortError');

/** The operations of all sockets that are under way. */
export class UnderWay {
  readonly #all = new Set<Operation>();
  #over = (): void => {};

  get size(): number {
    return this.#all.size;
  }

  /** Resolves when the last of them has ended. */
  over(): Promise<void> {
    return new Promise((resolve) => (this.#over = resolve));
  }

  add(operation: Operation): void {
    this.#all.add(operation);
  }

  delete(operation: Operation): void {
    this.#all.delete(operation);
    if (this.#all.size === 0) this.#over();
  }
}

/** Those of one socket. */
export class SocketOperations {
  readonly #underWay: UnderWay;
  /** No map: most of the time most sockets have none, and an empty map takes memory, too. */
  readonly #own: Operation[] = [];
  /** When the last of them ended. */
  #quietSince = performance.now();

  constructor(underWay: UnderWay) {
    this.#underWay = underWay;
  }

  get size(): number {
    return this.#own.length;
  }

  /** For how long there has been none, in ms. */
  get quietMs(): number {
    return this.size > 0 ? 0 : performance.now() - this.#quietSince;
  }

  /** The signal is aborted when the client is gone. */
  begin(id: string, isWanted: () => boolean): AbortSignal {
    const operation = { id, gone: new AbortController(), isWanted };
    this.#own.push(operation);
    this.#underWay.add(operation);
    return operation.gone.signal;
  }

  end(id: string): void {
    const ended = this.#own.find((one) => one.id === id);
    if (ended) this.#end(ended);
  }

  /** graphql-ws tells of a `complete` only once the operation has noticed: what waits for an answer would wait on. */
  endUnwanted(): void {
    for (const one of this.#own.filter(({ isWanted }) => !isWanted())) this.#end(one);
  }

  endAll(): void {
    for (let one = this.#own[0]; one; one = this.#own[0]) this.#end(one);
  }

  #end(operation: Operation): void {
    this.#own.splice(this.#own.indexOf(operation), 1);
    this.#quietSince = performance.now();
    operation.gone.abort(HAS_LEFT);
    this.#underWay.delete(operation);
  }
}
