import { isChat } from './app.ts';
import { seconds } from './clock.ts';
import type { Form } from './forms.ts';
import { requiredData } from './human-input.ts';
import type { Message } from './message.ts';
import { notChatApp, notFound, refusal } from './errors.ts';
import { suggestionsFor } from './suggestions.ts';
import { json, optionalUser, requiredUser, type Call, type Reply } from './http.ts';
import { pageOf } from './pages.ts';
import { aUuid, between, validate } from './schema.ts';
import type { Features } from './versions.ts';
import type { World } from './world.ts';

/** `GET /messages`: the newest, or those before `first_id`; within the page ascending (§6.3). */
export function listMessages(world: World, { app, query, path }: Call): Reply {
  if (!isChat(app)) throw notChatApp();
  const user = optionalUser(app, query.get('user'));
  validate('MessageListQuery', Object.fromEntries(query), {
    conversation_id: { required: true, check: aUuid('conversation_id') },
    first_id: { check: aUuid('first_id') },
    limit: { check: between(1, 100) },
  });
  const limit = Number(query.get('limit') ?? 20);
  const id = (query.get('conversation_id') ?? '').trim();
  if (id === '') return json({ limit, has_more: false, data: [] });
  const conversation = world.conversations.find(app.name, user, id);
  if (conversation === undefined) throw notFound('Conversation Not Exists.', path);
  const firstId = query.get('first_id') ?? '';
  const after = conversation.messages.find((message) => message.id === firstId);
  if (firstId !== '' && after === undefined) throw notFound('First Message Not Exists.', path);
  const page = pageOf(conversation.messages, { by: (one) => one.createdAt, descending: true, after, limit });
  return json({
    limit,
    has_more: page.hasMore,
    data: page.rows.toReversed().map((row) => messageItem(world.features, row)),
  });
}

/** `GET /messages/{id}/suggested` */
export function suggestQuestions(world: World, { app, query, params, path }: Call): Reply {
  const user = requiredUser(app, query.get('user'));
  if (!isChat(app)) throw notChatApp();
  const message = world.conversations.findMessage(app.name, user, params['message'] ?? '');
  if (message === undefined) throw notFound('Message Not Exists.', path);
  if (!app.suggestsQuestions) throw refusal(400, 'bad_request', 'Suggested Questions Is Disabled.');
  return json({ result: 'success', data: suggestionsFor(app, message.query) });
}

function messageItem(features: Features, message: Message): object {
  return {
    id: message.id,
    conversation_id: message.conversation?.id,
    parent_message_id: '00000000-0000-0000-0000-000000000000',
    inputs: message.inputs,
    query: message.query,
    answer: message.answer.trim(),
    feedback: message.feedback === null ? null : { rating: message.feedback.rating },
    retriever_resources: message.citations,
    created_at: seconds(message.createdAt),
    agent_thoughts: message.thoughts.map((thought) => ({
      id: thought.id,
      chain_id: null,
      message_id: message.id,
      position: thought.position,
      thought: thought.thought,
      tool: thought.tool,
      tool_labels: thought.toolLabels,
      tool_input: thought.toolInput,
      created_at: seconds(thought.createdAt),
      observation: thought.observation,
      files: thought.files,
    })),
    message_files: message.files.map((file) => ({
      id: file.id,
      filename: file.filename,
      type: file.type,
      url: file.url,
      mime_type: file.mimeType,
      size: file.size,
      transfer_method: file.transferMethod,
      belongs_to: file.belongsTo,
      upload_file_id: file.uploadId,
    })),
    status: message.status,
    error: message.error,
    ...(features.humanInput ? { extra_contents: message.forms.map((form) => formContent(features, form)) } : {}),
    ...(features.messagePrices ? pricesOf(message) : {}),
  };
}

/** A form that was shown in a conversation, and what was answered. */
function formContent(features: Features, form: Form): object {
  const { runId, definition, submission } = form;
  const answered = submission && {
    node_id: definition.nodeId,
    node_title: definition.nodeTitle,
    rendered_content: submission.rendered,
    action_id: submission.action.id,
    action_text: submission.action.title,
  };
  return {
    workflow_run_id: runId,
    submitted: submission !== undefined,
    type: 'human_input',
    form_definition: submission === undefined ? requiredData(features, form) : null,
    form_submission_data: answered ?? null,
  };
}

const pricesOf = ({ usage }: Message) => ({
  message_tokens: usage?.prompt_tokens ?? 0,
  answer_tokens: usage?.completion_tokens ?? 0,
  total_tokens: usage?.total_tokens ?? 0,
  provider_response_latency: usage?.latency ?? 0,
  total_price: usage?.total_price ?? '0',
  currency: usage?.currency ?? 'USD',
});
