/** How many events of subscriptions this process has told over WebSockets, by the way in which they were made. */
export class ToldEvents {
  /** By compiled writers. */
  compiled = 0;
  /** Those that were executed, by what a compiled writer could not tell: words of this program, never a client's. */
  readonly executed = new Map<string, number>();

  countExecuted(why: string): void {
    this.executed.set(why, (this.executed.get(why) ?? 0) + 1);
  }
}
