import type { Logger } from 'pino';
import type { DifyApp } from '../dify/dify-app.ts';
import type { KeptRun } from './run-log.ts';
import { isEnded } from './run-state.ts';

/**
 * Has Dify name a new conversation after its first answer. To let Dify do it with the question would hold back the first
 * words for a second or more. Costs a model call, so it is asked for once; a conversation can do without.
 */
export function nameConversation(app: DifyApp, run: KeptRun, logger: Logger): void {
  const { header, status, conversationId } = run.state;
  if (header.kind !== 'CHAT' || header.conversationId !== null || conversationId === null) return;
  if (status === 'FAILED' || !isEnded(run.state)) return;
  app.renameConversation({ user: header.viewer, conversationId, name: null }).catch((error: unknown) => {
    logger.warn({ err: error, run: header.id, app: header.app }, 'Dify did not name the conversation');
  });
}
