import type { Call } from './call.ts';
import { wireReference, type FileReference } from './file-reference.ts';
import { path } from './path.ts';

interface Request {
  readonly user: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly files?: readonly FileReference[];
}

export interface ChatRequest extends Request {
  readonly query: string;
  readonly conversationId?: string;
  /** A published version of a chatflow, instead of the latest; since Dify 1.7.2. */
  readonly workflowId?: string;
}

export interface WorkflowRequest extends Request {
  /** A published version, instead of the latest; since Dify 1.7.2. */
  readonly workflowId?: string;
}

export interface CompletionRequest extends Request {
  readonly query?: string;
}

/** `POST /chat-messages` (§1.1). */
export function chatCall({ query, conversationId, workflowId, ...request }: ChatRequest): Call {
  return streamed('/chat-messages', request, {
    query,
    // Else the first turn comes in one burst, a second late.
    auto_generate_name: false,
    ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    ...(workflowId === undefined ? {} : { workflow_id: workflowId }),
  });
}

/** `POST /workflows/run` (§1.5), or of a pinned version (§1.6). */
export function workflowCall({ workflowId, ...request }: WorkflowRequest): Call {
  return streamed(workflowId === undefined ? '/workflows/run' : path`/workflows/${workflowId}/run`, request, {});
}

/** `POST /completion-messages` (§1.3). */
export function completionCall({ query = '', ...request }: CompletionRequest): Call {
  return streamed('/completion-messages', request, { query });
}

function streamed(to: string, { user, inputs, files }: Request, more: Readonly<Record<string, unknown>>): Call {
  const references = files === undefined ? {} : { files: files.map(wireReference) };
  return { method: 'POST', path: to, body: { user, inputs, response_mode: 'streaming', ...references, ...more } };
}
