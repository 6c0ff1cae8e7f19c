import type { DifyApp } from '../dify/dify-app.ts';
import type { DifyStream } from '../dify/stream.ts';
import type { RunHeader } from './run-state.ts';

/** Puts a run's question to Dify. To be called once in the run's life, in whatever process. */
export function ask(app: DifyApp, header: RunHeader, signal: AbortSignal): Promise<DifyStream> {
  const { viewer: user, kind, query, inputs, conversationId, files, workflowId } = header;
  const common = {
    user,
    inputs,
    ...(files.length > 0 ? { files } : {}),
    ...(workflowId === null ? {} : { workflowId }),
  };
  if (kind === 'WORKFLOW') return app.runWorkflow(common, signal);
  if (kind === 'COMPLETION') return app.complete(common, signal);
  const conversation = conversationId === null ? {} : { conversationId };
  return app.chat({ ...common, query: query ?? '', ...conversation }, signal);
}
