import type { Draft, EndStatus, RunEvent } from '../../src/runs/run-event.ts';
import type { RunLog } from '../../src/runs/run-log.ts';
import type { RunHeader } from '../../src/runs/run-state.ts';

/** What happens next: some text, a thought, a replacement, the end, or any other event. */
export type Part =
  | { readonly say: string }
  | { readonly think: string }
  | { readonly replace: string }
  | { readonly end: EndStatus }
  | Draft;

let runs = 0;

/** A header with an id that no other has. */
export function newHeader(over: Partial<RunHeader> = {}): RunHeader {
  runs += 1;
  return {
    viewer: 'ann',
    id: `run-${runs}`,
    app: 'assistant',
    kind: 'CHAT',
    query: 'Why?',
    inputs: {},
    conversationId: null,
    files: [],
    workflowId: null,
    autoName: false,
    queued: false,
    onDisconnect: 'CONTINUE',
    fingerprint: 'f',
    createdAt: 1_000_000 + runs,
    ...over,
  };
}

/** Writes one run as its pump would, and remembers what it wrote. */
export class RunWriter {
  readonly header: RunHeader;
  readonly events: RunEvent[] = [];
  /** Text and reasoning as they are after event n stand at n: folded by the plain rules, for comparison. */
  readonly told: { readonly text: string; readonly reasoning: string }[] = [{ text: '', reasoning: '' }];
  readonly #log: RunLog;

  constructor(log: RunLog, header: RunHeader = newHeader()) {
    this.#log = log;
    this.header = header;
  }

  /** The next events, numbered, but not written. */
  next(...parts: readonly Part[]): RunEvent[] {
    let { text, reasoning } = this.told.at(-1)!;
    return parts.map((part, index) => {
      const draft = toDraft(part, text, reasoning);
      if (draft.type === 'TextDelta') text += draft.text;
      if (draft.type === 'TextReplaced') text = draft.text;
      if (draft.type === 'ReasoningDelta') reasoning += draft.text;
      return { seq: this.events.length + index + 1, at: Date.now(), ...draft } as RunEvent;
    });
  }

  /** Writes them as one step. */
  async write(...parts: readonly Part[]): Promise<void> {
    const events = this.next(...parts);
    await this.#log.append(this.header, events);
    for (const event of events) {
      const before = this.told.at(-1)!;
      if (event.type === 'TextDelta') this.told.push({ ...before, text: before.text + event.text });
      else if (event.type === 'TextReplaced') this.told.push({ ...before, text: event.text });
      else if (event.type === 'ReasoningDelta') this.told.push({ ...before, reasoning: before.reasoning + event.text });
      else this.told.push(before);
      this.events.push(event);
    }
  }
}

/** Claims a new run in a log and begins to write it. */
export async function begin(log: RunLog, over: Partial<RunHeader> = {}) {
  const writer = new RunWriter(log, newHeader(over));
  const { run } = await log.claim(writer.header);
  return { run, writer };
}

function toDraft(part: Part, text: string, reasoning: string): Draft {
  if ('say' in part) return { type: 'TextDelta', offset: text.length, text: part.say, source: null };
  if ('think' in part) return { type: 'ReasoningDelta', offset: reasoning.length, text: part.think, nodeId: null };
  if ('replace' in part) return { type: 'TextReplaced', text: part.replace, reason: null };
  return 'end' in part ? finished(part.end) : part;
}

function finished(status: EndStatus): Draft {
  const nothing = {
    error: null,
    settledBy: 'STREAM' as const,
    usage: null,
    outputs: null,
    citations: [],
    rawText: null,
  };
  return { type: 'RunFinished', status, ...nothing };
}
