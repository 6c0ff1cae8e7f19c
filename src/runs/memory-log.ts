import { EventEmitter } from 'node:events';
import { MemoryRun } from './memory-run.ts';
import type { RunEvent } from './run-event.ts';
import type { KeptRun, LogWriter, RunLog } from './run-log.ts';
import { isEnded, type RunHeader, type RunKey } from './run-state.ts';

/** How much is kept. Only ended runs are ever dropped, the one that ended first before the others. */
export interface MemoryLogOptions {
  /** After the end of a run. Default 60. */
  readonly keepMinutes?: number;
  /** Of all runs together, estimated. Default 256. */
  readonly keepMegabytes?: number;
  /** Runs. Default 10,000. */
  readonly keepCount?: number;
}

/** Runs in the memory of this process: the default. A restart forgets them. */
export class MemoryLog implements RunLog {
  readonly available = true;
  readonly #viewers = new Map<string, Map<string, MemoryRun>>();
  /** In the order in which they ended. */
  readonly #ended = new Set<MemoryRun>();
  #count = 0;
  #bytes = 0;
  readonly #keepMs: number;
  readonly #keepBytes: number;
  readonly #keepCount: number;
  readonly #sweeper: NodeJS.Timeout;
  /** By viewer. */
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #writer: LogWriter | undefined;

  constructor(options: MemoryLogOptions = {}) {
    this.#keepMs = (options.keepMinutes ?? 60) * 60_000;
    this.#keepBytes = (options.keepMegabytes ?? 256) * 1_048_576;
    this.#keepCount = options.keepCount ?? 10_000;
    this.#sweeper = setInterval(() => this.#drop(), Math.min(this.#keepMs, 30_000)).unref();
  }

  /** What is kept now: runs, and their estimated bytes. */
  get size(): { readonly runs: number; readonly bytes: number } {
    return { runs: this.#count, bytes: this.#bytes };
  }

  async claim(header: RunHeader): Promise<{ first: boolean; run: KeptRun }> {
    const kept = this.#get(header);
    if (kept) return { first: false, run: kept };
    const run = new MemoryRun(header);
    let runs = this.#viewers.get(header.viewer);
    if (!runs) this.#viewers.set(header.viewer, (runs = new Map()));
    runs.set(header.id, run);
    this.#count += 1;
    this.#bytes += run.bytes;
    this.#drop();
    this.#changes.emit(header.viewer);
    return { first: true, run };
  }

  append(key: RunKey, events: readonly RunEvent[]): void {
    const run = this.#get(key);
    if (!run || events.length === 0) return;
    const before = run.bytes;
    run.append(events);
    this.#bytes += run.bytes - before;
    if (isEnded(run.state)) this.#ended.add(run);
    if (this.#bytes > this.#keepBytes) this.#drop();
    if (events.some(changesList)) this.#changes.emit(key.viewer);
  }

  async flushed(): Promise<void> {}

  markStopping(key: RunKey): void {
    this.#get(key)?.markStopping();
    this.#writer?.stop(key);
  }

  noteAnswered(key: RunKey): void {
    this.#writer?.answered(key);
  }

  async handOver(): Promise<boolean> {
    return false;
  }

  retire(): void {}

  serve(writer: LogWriter): void {
    this.#writer = writer;
  }

  onChange(viewer: string, changed: () => void): () => void {
    this.#changes.on(viewer, changed);
    return () => this.#changes.off(viewer, changed);
  }

  async find(key: RunKey): Promise<KeptRun | undefined> {
    return this.#get(key);
  }

  async list(viewer: string): Promise<readonly KeptRun[]> {
    return [...(this.#viewers.get(viewer)?.values() ?? [])].reverse();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
  }

  #get(key: RunKey): MemoryRun | undefined {
    return this.#viewers.get(key.viewer)?.get(key.id);
  }

  #drop(): void {
    const tooOld = Date.now() - this.#keepMs;
    for (const run of this.#ended) {
      const old = (run.state.finishedAt ?? 0) <= tooOld;
      if (!old && this.#count <= this.#keepCount && this.#bytes <= this.#keepBytes) return;
      this.#ended.delete(run);
      this.#count -= 1;
      this.#bytes -= run.bytes;
      const { viewer, id } = run.state.header;
      const runs = this.#viewers.get(viewer);
      runs?.delete(id);
      if (runs?.size === 0) this.#viewers.delete(viewer);
    }
  }
}

/** Whether a list of runs, or what it shows of their conversations and ends, is different after this. */
export function changesList({ type }: RunEvent): boolean {
  return type === 'RunStarted' || type === 'RunFinished';
}
