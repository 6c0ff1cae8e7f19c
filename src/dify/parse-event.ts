import { id, json, type Json, list, number, text, textOrNull, texts, whole } from './coerce.ts';
import { parseGraphEvent } from './parse-graph-event.ts';
import { citations, files, usage } from './wire-parts.ts';
import type { Envelope, MessageEndEvent, MessageEvent, WireEvent } from './wire-event.ts';

/**
 * Makes the regular event of one frame (§2.5). Never throws: a member that is missing gets its default, a name that is not
 * known makes an `unknown` event. The three events of which a long answer has thousands come first.
 */
export function parseEvent(name: string, frame: Json): WireEvent {
  switch (name) {
    case 'message':
      return message(frame);
    case 'text_chunk': {
      const inner = json(frame['data']);
      return { event: name, ...envelope(frame), text: text(inner['text']), source: selector(inner) };
    }
    case 'agent_message':
      return { event: name, ...envelope(frame), answer: text(frame['answer']), createdAt: number(frame['created_at']) };
    case 'agent_thought':
      return {
        event: name,
        ...envelope(frame),
        id: text(frame['id']),
        position: whole(frame['position']) ?? 0,
        thought: text(frame['thought']),
        observation: text(frame['observation']),
        tool: text(frame['tool']),
        toolLabels: json(frame['tool_labels']),
        toolInput: text(frame['tool_input']),
        files: texts(frame['message_files']),
      };
    case 'message_file':
      // A bug since 1.7.2: once a message owns a file, its text comes under this name. Only text has `answer` (#22552).
      if (typeof frame['answer'] === 'string') return message(frame);
      return {
        event: name,
        ...envelope(frame),
        id: text(frame['id']),
        type: text(frame['type']),
        belongsTo: id(frame['belongs_to']),
        url: id(frame['url']),
      };
    case 'message_replace':
      return { event: name, ...envelope(frame), answer: text(frame['answer']), reason: textOrNull(frame['reason']) };
    case 'message_end':
      return messageEnd(frame);
    case 'tts_message':
    case 'tts_message_end':
      return { event: name, ...envelope(frame), audio: text(frame['audio']) };
    case 'error':
      return {
        event: name,
        ...envelope(frame),
        code: id(frame['code']),
        status: whole(frame['status']),
        message: text(frame['message']),
      };
    default:
      return parseGraphEvent(name, frame, envelope(frame));
  }
}

function message(frame: Json): MessageEvent {
  return {
    event: 'message',
    ...envelope(frame),
    answer: text(frame['answer']),
    createdAt: number(frame['created_at']),
    source: selector(frame),
  };
}

function messageEnd(frame: Json): MessageEndEvent {
  const metadata = json(frame['metadata']);
  const reasoning = Object.entries(json(metadata['reasoning'])).map(([node, said]) => [node, text(said)] as const);
  return {
    event: 'message_end',
    ...envelope(frame),
    usage: usage(metadata['usage']),
    citations: citations(metadata['retriever_resources']),
    files: files(frame['files']),
    reasoning: Object.fromEntries(reasoning),
  };
}

function envelope(frame: Json): Envelope {
  return {
    taskId: id(frame['task_id']),
    conversationId: id(frame['conversation_id']),
    messageId: id(frame['message_id']),
    workflowRunId: id(frame['workflow_run_id']),
  };
}

/** Node and variable; easy-UI apps send `[]` or null, by version: both are null here. */
function selector(from: Json): readonly string[] | null {
  const value = list(from['from_variable_selector']);
  return value.length === 0 ? null : texts(value);
}
