import { app, files, speech } from './app-tabs.ts';
import { ask, complete, stream, workflow } from './ask-tabs.ts';
import { history } from './conversation-tabs.ts';
import type { Examples } from './examples.ts';
import { annotations, feedback } from './opinion-tabs.ts';
import { forms, records, runs, stop } from './run-tabs.ts';

/**
 * The documents of GraphiQL's tabs, each named for its first operation, which runs as it is. Arguments stand in them: GraphiQL
 * forgets the variables that its default tabs come with.
 */
export function tabs(examples: Examples): string[] {
  const writers = [
    stream,
    ask,
    history,
    workflow,
    records,
    complete,
    runs,
    stop,
    forms,
    app,
    feedback,
    speech,
    files,
    annotations,
  ];
  return writers.flatMap((write) => write(examples)?.trim() ?? []);
}
