import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, type Json } from './client.ts';

export interface Paused {
  readonly client: Client;
  readonly run: string;
  readonly token: string;
  readonly events: Json[];
}

export const dataIn = (events: readonly Json[], name: string) =>
  events.find(({ event }) => event === name)?.['data'] as Json;

/** Runs the approval workflow, or asks the concierge for a booking, up to the pause. */
export async function pause(sandbox: Sandbox, app: 'approval' | 'concierge', magic = ''): Promise<Paused> {
  const client = new Client(sandbox, app);
  const stream =
    app === 'approval' ? await client.run({ topic: `cake ${magic}` }) : await client.ask(`Please book a room ${magic}`);
  const events = await stream.events();
  const run = String(last(events)['workflow_run_id']);
  return { client, run, token: String(dataIn(events, 'human_input_required')['form_token']), events };
}

export const approve = { inputs: { comment: 'Better so.', channel: 'mail' }, action: 'approve' };
export const snapshot = { include_state_snapshot: 'true' };
