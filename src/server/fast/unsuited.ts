/** What a compiled writer cannot tell: the ordinary execution does. Thrown on the hot path, so it takes no stack. */
export class Unsuited extends Error {
  override readonly name = 'Unsuited';
  /** It is so with the others of its type, too. */
  readonly isForEver: boolean;

  constructor(why: string, isForEver = false) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(why);
    Error.stackTraceLimit = stackTraceLimit;
    this.isForEver = isForEver;
  }
}
