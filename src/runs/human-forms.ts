import type { HumanInputEvent, NodeEvent, WorkflowPausedEvent } from '../dify/wire-event.ts';
import { formOf } from './human-form.ts';
import type { RunPaused, RunResumed } from './run-event.ts';
import type { HumanForm } from './human-form.ts';

/**
 * The forms of a run as Dify asks and takes them (§8.3). Some versions never say that one was filled in (Q26): then the end
 * of its node does.
 */
export class HumanForms {
  readonly #waiting = new Map<string, HumanForm>();

  /** As a run that another process has written so far has them. */
  resume(forms: ReadonlyMap<string, HumanForm>): void {
    for (const [id, form] of forms) this.#waiting.set(id, form);
  }

  required({ data }: HumanInputEvent): void {
    const form = formOf(data);
    if (form) this.#waiting.set(form.id, form);
  }

  paused({ reasons }: WorkflowPausedEvent): Omit<RunPaused, 'seq' | 'at'> {
    for (const reason of reasons) {
      const form = formOf(reason);
      if (form) this.#waiting.set(form.id, { ...this.#waiting.get(form.id), ...form });
    }
    return { type: 'RunPaused', forms: [...this.#waiting.values()] };
  }

  answered({ event, data }: HumanInputEvent): Omit<RunResumed, 'seq' | 'at'> | null {
    const action = typeof data['action_id'] === 'string' ? data['action_id'] : null;
    return this.#resumed(
      typeof data['node_id'] === 'string' ? data['node_id'] : '',
      action,
      event === 'human_input_form_timeout',
    );
  }

  nodeFinished({ nodeId, outputs }: NodeEvent): Omit<RunResumed, 'seq' | 'at'> | null {
    const said = (outputs as Readonly<Record<string, unknown>> | null)?.['__action_id'];
    const action = typeof said === 'string' && said !== '' ? said : null;
    return this.#resumed(nodeId, action, action === null);
  }

  /** The run has gone on without a word about these: how they were answered is not known. */
  unsaid(now: number): Omit<RunResumed, 'seq' | 'at'>[] {
    return Array.from(this.#waiting.values(), ({ id, expiresAt }) => {
      // Dify tells whole seconds.
      const timedOut = expiresAt !== null && (expiresAt - 1) * 1000 <= now;
      return { type: 'RunResumed' as const, formId: id, action: null, timedOut };
    });
  }

  #resumed(nodeId: string, action: string | null, timedOut: boolean): Omit<RunResumed, 'seq' | 'at'> | null {
    const form = [...this.#waiting.values()].find((waiting) => waiting.nodeId === nodeId);
    if (!form) return null;
    this.#waiting.delete(form.id);
    return { type: 'RunResumed', formId: form.id, action, timedOut };
  }
}
