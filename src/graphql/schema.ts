import { builder } from './builder.ts';
import './annotation.ts';
import './app-capability.ts';
import './app-features.ts';
import './app-input.ts';
import './app.ts';
import './chat.ts';
import './completion.ts';
import './conversation.ts';
import './end-user.ts';
import './errors.ts';
import './feedback.ts';
import './file.ts';
import './follow.ts';
import './human-input.ts';
import './message.ts';
import './node-run.ts';
import './run-event.ts';
import './run.ts';
import './runs.ts';
import './scalars.ts';
import './site.ts';
import './speech.ts';
import './variable.ts';
import './workflow-record.ts';
import './workflow.ts';

/** Everything that can be asked of the gateway; printed to `schema/schema.graphql`. */
export const schema = builder.toSchema();
