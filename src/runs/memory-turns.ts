import { EventEmitter } from 'node:events';
import type { RunKey } from './run-state.ts';
import type { Turns } from './turns.ts';

/** Lines in the memory of this process. */
export class MemoryTurns implements Turns {
  /** By line, then by run, in order. */
  readonly #lines = new Map<string, Map<string, RunKey>>();
  readonly #moves = new EventEmitter().setMaxListeners(0);

  async enter(line: string, run: RunKey, most = Infinity): Promise<number> {
    const standing = this.#lines.get(line) ?? new Map<string, RunKey>();
    const name = nameOf(run);
    let before = 0;
    for (const other of standing.keys()) {
      if (other === name) return before;
      before += 1;
    }
    if (before > most) return before;
    this.#lines.set(line, standing.set(name, { viewer: run.viewer, id: run.id }));
    return before;
  }

  async leave(line: string, run: RunKey): Promise<void> {
    const standing = this.#lines.get(line);
    if (!standing?.delete(nameOf(run))) return;
    if (standing.size === 0) this.#lines.delete(line);
    this.#moves.emit(line);
  }

  async standing(line: string): Promise<readonly RunKey[]> {
    return [...(this.#lines.get(line)?.values() ?? [])];
  }

  onMove(line: string, moved: () => void): () => void {
    this.#moves.on(line, moved);
    return () => this.#moves.off(line, moved);
  }
}

function nameOf({ viewer, id }: RunKey): string {
  return JSON.stringify([viewer, id]);
}
