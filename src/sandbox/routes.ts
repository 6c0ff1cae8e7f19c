import {
  createAnnotation,
  deleteAnnotation,
  listAnnotations,
  replyJob,
  setReply,
  updateAnnotation,
} from './annotation-routes.ts';
import { endUserDetail, info, meta, parameters, site, version } from './app-routes.ts';
import { askChat, askCompletion } from './ask-routes.ts';
import { listenToAudio, readAloud } from './audio-routes.ts';
import { deleteConversation, listConversations, renameConversation } from './conversation-routes.ts';
import { followRun } from './event-routes.ts';
import { showForm, submitForm } from './form-routes.ts';
import { giveFeedback, listFeedbacks } from './feedback-routes.ts';
import { previewFile, signedFile, toolFile, uploadFile } from './file-routes.ts';
import type { Call, Reply } from './http.ts';
import { listMessages, suggestQuestions } from './message-routes.ts';
import { listLogs, runDetail } from './run-routes.ts';
import { picture } from './speech.ts';
import { stopMessage, stopWorkflow } from './stop-routes.ts';
import { listVariables, setVariable } from './variable-routes.ts';
import type { Features } from './versions.ts';
import { runWorkflow } from './workflow-routes.ts';
import type { World } from './world.ts';

/** Answers the requests of one route. */
export type Handler = (world: World, call: Call) => Reply | Promise<Reply>;

export interface Route {
  readonly method: string;
  /** Segments; `:name` is anything, `:name!` a UUID. */
  readonly path: readonly string[];
  readonly handler: Handler;
  /** What a Dify must know to have it. */
  readonly needs: keyof Features | undefined;
  /** Whether it answers without a key. */
  readonly open: boolean;
}

const route = (method: string, path: string, handler: Handler, needs?: keyof Features): Route => ({
  method,
  path: path.split('/'),
  handler,
  needs,
  open: false,
});

const open = (path: string, handler: Handler): Route => ({ ...route('GET', path, handler), open: true });

const icon: Handler = () => ({ bytes: picture, type: 'image/png' });

/** Every route of the Service API that an app's key opens (§1.0), and the addresses of files. */
export const routes: readonly Route[] = [
  route('GET', '/v1/info', info),
  route('GET', '/v1/parameters', parameters),
  route('GET', '/v1/meta', meta),
  route('GET', '/v1/site', site),
  route('GET', '/v1/end-users/:user!', endUserDetail, 'endUsers'),
  route('POST', '/v1/chat-messages', askChat),
  route('POST', '/v1/chat-messages/:task/stop', stopMessage),
  route('POST', '/v1/completion-messages', askCompletion),
  route('POST', '/v1/completion-messages/:task/stop', stopMessage),
  route('POST', '/v1/workflows/run', runWorkflow),
  route('POST', '/v1/workflows/:workflow/run', runWorkflow),
  route('POST', '/v1/workflows/tasks/:task/stop', stopWorkflow),
  route('GET', '/v1/workflows/run/:run', runDetail),
  route('GET', '/v1/workflows/logs', listLogs),
  route('GET', '/v1/workflow/:run/events', followRun, 'humanInput'),
  route('GET', '/v1/form/human_input/:token', showForm, 'humanInput'),
  route('POST', '/v1/form/human_input/:token', submitForm, 'humanInput'),
  route('GET', '/v1/conversations', listConversations),
  route('DELETE', '/v1/conversations/:conversation!', deleteConversation),
  route('POST', '/v1/conversations/:conversation!/name', renameConversation),
  route('GET', '/v1/conversations/:conversation!/variables', listVariables),
  route('PUT', '/v1/conversations/:conversation!/variables/:variable!', setVariable),
  route('GET', '/v1/messages', listMessages),
  route('GET', '/v1/messages/:message!/suggested', suggestQuestions),
  route('POST', '/v1/messages/:message!/feedbacks', giveFeedback),
  route('GET', '/v1/app/feedbacks', listFeedbacks),
  route('POST', '/v1/files/upload', uploadFile),
  route('GET', '/v1/files/:file!/preview', previewFile),
  route('POST', '/v1/audio-to-text', listenToAudio),
  route('POST', '/v1/text-to-audio', readAloud),
  route('GET', '/v1/apps/annotations', listAnnotations),
  route('POST', '/v1/apps/annotations', createAnnotation),
  route('PUT', '/v1/apps/annotations/:annotation!', updateAnnotation),
  route('DELETE', '/v1/apps/annotations/:annotation!', deleteAnnotation),
  route('POST', '/v1/apps/annotation-reply/:action', setReply),
  route('GET', '/v1/apps/annotation-reply/:action/status/:job!', replyJob),
  open('/v1/', version),
  open('/files/tools/:file', toolFile),
  open('/files/icons/:file', icon),
  open('/files/:file!/file-preview', signedFile),
];
