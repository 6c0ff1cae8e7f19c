import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** What an app says that says a lot. */
export interface Flood {
  readonly text: string;
  /** Events of Dify. */
  readonly count: number;
}

/** The next answer of the assistant: so many MB, in pieces of 500 characters, as fast as they are taken. */
export function floodText({ script }: Pick<Sandbox, 'script'>, megabytes: number): Flood {
  const count = megabytes * 2_000;
  const pieces = Array.from({ length: count }, (_, i) => `${i} `.padEnd(500, i % 2 === 0 ? 'ab' : 'é'));
  const ids = { conversation_id: randomUUID(), message_id: randomUUID(), task_id: randomUUID() };
  const frames = pieces.map((answer) => frame('message', { ...ids, answer }));
  script('assistant', { steps: steps([...frames, frame('message_end', { ...ids, metadata: {} })]) });
  return { text: pieces.join(''), count };
}

/** The next run of the summarizer: `count` nodes, each of which brings out 60 KB. */
export function floodNodes({ script }: Pick<Sandbox, 'script'>, count: number): void {
  const ids = { task_id: randomUUID(), workflow_run_id: randomUUID() };
  const big = 'x'.repeat(60_000);
  const nodes = Array.from({ length: count }, (_, index) => {
    const told = { id: randomUUID(), node_id: `n${index}`, node_type: 'code', title: `Node ${index}`, index };
    const data = { ...told, status: 'succeeded', outputs: { big }, created_at: 1, finished_at: 1, elapsed_time: 0.1 };
    return frame('node_started', { ...ids, data: told }) + frame('node_finished', { ...ids, data });
  });
  const run = { id: ids.workflow_run_id, workflow_id: randomUUID(), created_at: 1 };
  const end = { ...run, status: 'succeeded', outputs: { text: 'done' }, finished_at: 2, elapsed_time: 1 };
  script('summarize', {
    steps: steps([
      frame('workflow_started', { ...ids, data: run }),
      ...nodes,
      frame('workflow_finished', { ...ids, data: end }),
    ]),
  });
}

function frame(event: string, more: object): string {
  return `data: ${JSON.stringify({ event, created_at: 1, ...more })}\n\n`;
}

/** Many to a write, as a network brings them. */
function steps(frames: readonly string[]): { readonly write: string }[] {
  const writes: { write: string }[] = [];
  for (let from = 0; from < frames.length; from += 100) writes.push({ write: frames.slice(from, from + 100).join('') });
  return writes;
}
