import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** A question to an app whose model a test plays itself: it says nothing unless it is told to. */
export interface Staged {
  /** Lets the answer go on with its next part. */
  next(): void;
}

/** Lays out the next answer of `app`: each part is one piece of text, and waits for `next` unless it is the first. */
export function stage(sandbox: Sandbox, app: string, parts: readonly string[]): Staged {
  const gates = parts.slice(1).map(() => Promise.withResolvers<void>());
  const steps = parts.flatMap((text, index) => {
    const piece = { write: frame({ event: 'message', answer: text }) };
    return index === 0 ? [piece] : [{ until: gates[index - 1]!.promise }, piece];
  });
  sandbox.script(app, { steps: [...steps, { write: frame({ event: 'message_end', metadata: {} }) }] });
  let passed = 0;
  return { next: () => gates[passed++]?.resolve() };
}

const ids = {
  task_id: '00000000-0000-4000-8000-00000000000a',
  message_id: '00000000-0000-4000-8000-00000000000b',
  conversation_id: '00000000-0000-4000-8000-00000000000c',
};

function frame(event: object): string {
  return `data: ${JSON.stringify({ ...event, ...ids, id: ids.message_id, created_at: 1_795_329_892 })}\n\n`;
}
