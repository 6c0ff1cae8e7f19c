import { countTokens, id, json, type Json, list, number, text, textOrNull, texts, tokens, whole } from './coerce.ts';
import { decimal } from './decimal.ts';
import type { AppInfo, ConversationRecord, MessageRecord, ThoughtRecord } from './records.ts';
import type { WireUsage } from './wire-event.ts';
import { citations, files } from './wire-parts.ts';

/** Messages made through the API have this for a parent (§1.14). */
const noParent = '00000000-0000-0000-0000-000000000000';

/** Null if this cannot be an answer of `GET /info`: every version names the mode. */
export function parseInfo(from: Json): AppInfo | null {
  const mode = id(from['mode']);
  if (mode === null) return null;
  return {
    name: text(from['name']),
    description: text(from['description']),
    tags: texts(from['tags']),
    mode,
    authorName: id(from['author_name']),
  };
}

export function parseConversation(from: Json): ConversationRecord {
  return {
    id: text(from['id']),
    name: textOrNull(from['name']),
    inputs: json(from['inputs']),
    status: id(from['status']),
    introduction: textOrNull(from['introduction']),
    createdAt: number(from['created_at']),
    updatedAt: number(from['updated_at']),
  };
}

export function parseMessage(from: Json): MessageRecord {
  const parent = id(from['parent_message_id']);
  return {
    id: text(from['id']),
    conversationId: id(from['conversation_id']),
    parentMessageId: parent === noParent ? null : parent,
    inputs: json(from['inputs']),
    query: text(from['query']),
    answer: text(from['answer']),
    status: id(from['status']),
    error: textOrNull(from['error']),
    createdAt: number(from['created_at']),
    files: files(from['message_files']),
    citations: citations(from['retriever_resources']),
    thoughts: list(from['agent_thoughts']).map((item) => thought(json(item))),
    usage: usageOf(from),
    rating: id(json(from['feedback'])['rating']),
  };
}

function thought(from: Json): ThoughtRecord {
  return {
    id: text(from['id']),
    position: whole(from['position']) ?? 0,
    thought: text(from['thought']),
    tool: text(from['tool']),
    toolLabels: json(from['tool_labels']),
    toolInput: text(from['tool_input']),
    observation: text(from['observation']),
    files: texts(from['files']),
  };
}

/** Since 1.16 usage lies flat in the message, under names of its own. */
function usageOf(from: Json): WireUsage | null {
  const promptTokens = tokens(from['message_tokens']);
  const completionTokens = tokens(from['answer_tokens']);
  const totalTokens = tokens(from['total_tokens']);
  if (promptTokens === null && completionTokens === null && totalTokens === null) return null;
  return {
    promptTokens,
    completionTokens,
    totalTokens: totalTokens ?? countTokens((promptTokens ?? 0) + (completionTokens ?? 0)),
    totalPrice: decimal(from['total_price']),
    currency: id(from['currency']),
    latency: number(from['provider_response_latency']),
  };
}
