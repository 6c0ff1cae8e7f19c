import { builder } from './builder.ts';
import './app.ts';
import './chat.ts';
import './completion.ts';
import './conversation.ts';
import './errors.ts';
import './follow.ts';
import './human-input.ts';
import './message.ts';
import './node-run.ts';
import './run.ts';
import './run-event.ts';
import './runs.ts';
import './scalars.ts';
import './workflow.ts';

/** Everything that can be asked of the gateway; printed to `schema/schema.graphql`. */
export const schema = builder.toSchema();
