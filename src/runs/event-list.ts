import { numbered } from './numbered.ts';
import type { ReasoningDelta, RunEvent, TextDelta } from './run-event.ts';
import { splice } from './run-state.ts';

type Delta = TextDelta | ReasoningDelta;

/** What deltas make, each its own. */
interface Texts {
  readonly text: string;
  readonly reasoning: string;
}

/** Deltas that followed one another. */
interface Deltas {
  /** Of the first. */
  readonly seq: number;
  /** The first: the others have its type and its origin. */
  readonly like: Delta;
  /** Where each begins in its text, and where the last ends. */
  readonly edges: number[];
  /** When each came, in epoch milliseconds. */
  readonly times: number[];
  /** By number. */
  signed: Map<number, RunEvent['signed']> | null;
  /** What they are pieces of; null for what that text is now. */
  text: string | null;
}

/**
 * The events of a run, numbered 1, 2, 3 …. Of deltas, which nearly all are, no more is kept than where they stand in their text: that is
 * kept once, by the run, and thousands of small objects are what collecting garbage costs.
 */
export class EventList {
  /** Each reaches to where the next begins. */
  readonly #parts: (RunEvent | Deltas)[] = [];
  readonly #now: () => Texts;
  #length = 0;

  /** `now`: the texts after all events. */
  constructor(now: () => Texts) {
    this.#now = now;
  }

  /** Takes the next event, before its text has. */
  push(event: RunEvent): void {
    this.#length = event.seq;
    const isDelta = event.type === 'TextDelta' || event.type === 'ReasoningDelta';
    if (isDelta && event.offset === textOf(event, this.#now()).length) return this.#pushDelta(event);
    // It becomes another text.
    if (isDelta || event.type === 'TextReplaced')
      this.#keep(event.type === 'ReasoningDelta' ? event.type : 'TextDelta');
    this.#parts.push(event);
  }

  /** The events from number `after + 1` on: all, or the first `most`. */
  since(after: number, most = Infinity): RunEvent[] {
    const last = Math.min(this.#length, after + most);
    const events: RunEvent[] = [];
    let seq = after + 1;
    for (let index = Math.max(0, this.#indexOf(seq)); seq <= last; index += 1) {
      const part = this.#parts[index];
      if (part === undefined) break;
      const end = this.#parts[index + 1]?.seq ?? this.#length + 1;
      for (; seq < end && seq <= last; seq += 1) events.push('edges' in part ? this.#delta(part, seq) : part);
    }
    return events;
  }

  /** The texts as they were after event number `seq`. */
  at(seq: number): Texts {
    return { text: this.#textAt('TextDelta', seq), reasoning: this.#textAt('ReasoningDelta', seq) };
  }

  #textAt(type: Delta['type'], seq: number): string {
    for (let index = this.#indexOf(seq); index >= 0; index -= 1) {
      const part = this.#parts[index];
      if (part === undefined) continue;
      if ('edges' in part) {
        if (part.like.type !== type) continue;
        return this.#textOf(part).slice(0, part.edges[Math.min(seq - part.seq + 1, part.times.length)]);
      }
      if (part.type === 'TextReplaced' && type === 'TextDelta') return part.text;
      if (part.type === type) return splice(this.#textAt(type, part.seq - 1), part.offset, part.text);
    }
    return '';
  }

  /** Of the part in which that event is. */
  #indexOf(seq: number): number {
    let [low, high] = [0, this.#parts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#parts[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #pushDelta(delta: Delta): void {
    const { seq, at, offset, text, signed } = delta;
    let part = this.#parts.at(-1);
    if (part === undefined || !('edges' in part) || !isLike(part.like, delta)) {
      part = { seq, like: delta, edges: [offset], times: [], signed: null, text: null };
      this.#parts.push(part);
    }
    part.edges.push(offset + text.length);
    part.times.push(at);
    if (signed) (part.signed ??= new Map()).set(seq, signed);
  }

  #delta(part: Deltas, seq: number): RunEvent {
    const index = seq - part.seq;
    const [offset = 0, at = 0] = [part.edges[index], part.times[index]];
    const text = this.#textOf(part).slice(offset, part.edges[index + 1]);
    const { like } = part;
    const draft =
      like.type === 'TextDelta'
        ? { type: like.type, offset, text, source: like.source }
        : { type: like.type, offset, text, nodeId: like.nodeId };
    return numbered(draft, seq, at, part.signed?.get(seq));
  }

  #textOf(part: Deltas): string {
    return part.text ?? textOf(part.like, this.#now());
  }

  /** The text of such deltas becomes another: those before are pieces of this. */
  #keep(type: Delta['type']): void {
    for (let index = this.#parts.length - 1; index >= 0; index -= 1) {
      const part = this.#parts[index];
      if (part === undefined || !('edges' in part) || part.like.type !== type) continue;
      if (part.text !== null) return;
      part.text = textOf(part.like, this.#now());
    }
  }
}

function textOf({ type }: Delta, { text, reasoning }: Texts): string {
  return type === 'TextDelta' ? text : reasoning;
}

function isLike(one: Delta, other: Delta): boolean {
  if (one.type === 'TextDelta') return other.type === 'TextDelta' && one.source?.join() === other.source?.join();
  return other.type === 'ReasoningDelta' && one.nodeId === other.nodeId;
}
