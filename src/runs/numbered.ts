import type { Draft, RunEvent } from './run-event.ts';

/** The event of a draft. `signed`: files that its texts name, if any. */
export function numbered(draft: Draft, seq: number, at: number, signed: RunEvent['signed']): RunEvent {
  // Nearly all are of these: to copy one costs more than to make it.
  if (draft.type === 'TextDelta' && !signed) {
    const { type, offset, text, source } = draft;
    return { type, seq, at, offset, text, source };
  }
  return { ...draft, seq, at, ...(signed ? { signed } : {}) } as RunEvent;
}
