import type { ThoughtRecord } from '../dify/records.ts';
import { BETWEEN_BLOCKS, splitReasoning } from './reasoning.ts';
import type { AgentStep } from './run-event.ts';

/** The steps of an agent. Dify repeats a thought as it fills up, often before it says anything (Q9). */
export class AgentSteps {
  readonly #steps = new Map<string, AgentStep>();

  /** As a run that another process has written so far has them. */
  resume(steps: ReadonlyMap<string, AgentStep>): void {
    for (const [id, step] of steps) this.#steps.set(id, step);
  }

  /** The step as it is now; null where that is nothing new. */
  see(wire: ThoughtRecord): AgentStep | null {
    const before = this.#steps.get(wire.id);
    const step = merged(wire, before);
    // Also while it says nothing: what is not empty counts from then on (§2.7).
    this.#steps.set(step.id, step);
    return isSilent(step) || (before && JSON.stringify(before) === JSON.stringify(step)) ? null : step;
  }
}

/** A step as Dify stored it; null where it says nothing. */
export function agentStep(record: ThoughtRecord): AgentStep | null {
  const step = merged(record, undefined);
  return isSilent(step) ? null : step;
}

function merged(wire: ThoughtRecord, before: AgentStep | undefined): AgentStep {
  return {
    id: wire.id,
    position: wire.position,
    thought: withoutTags(wire.thought) || (before?.thought ?? null),
    tool: wire.tool || (before?.tool ?? null),
    toolLabels: { ...before?.toolLabels, ...wire.toolLabels },
    toolInput: wire.toolInput === '' ? (before?.toolInput ?? null) : parsedOrText(wire.toolInput),
    observation: wire.observation || (before?.observation ?? null),
    files: wire.files.length > 0 ? wire.files : (before?.files ?? []),
  };
}

function isSilent({ thought, tool, observation, files }: AgentStep): boolean {
  return thought === null && tool === null && observation === null && files.length === 0;
}

function withoutTags(thought: string): string {
  if (!thought.includes('think>')) return thought;
  const { text, reasoning } = splitReasoning(thought);
  return [reasoning, text].filter((part) => part !== '').join(BETWEEN_BLOCKS);
}

/** Mostly JSON, but ReAct agents send plain or cut text. */
export function parsedOrText(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
