import { id, json, type Json, list, number, text, textOrNull, tokens, whole } from './coerce.ts';
import { decimal } from './decimal.ts';
import type { WireCitation, WireFile, WireUsage } from './wire-event.ts';

/** `metadata.usage`; null when missing or empty, as old versions and runs without a model have it. */
export function usage(value: unknown): WireUsage | null {
  const from = json(value);
  if (Object.keys(from).length === 0) return null;
  return {
    promptTokens: tokens(from['prompt_tokens']),
    completionTokens: tokens(from['completion_tokens']),
    totalTokens: tokens(from['total_tokens']) ?? 0,
    totalPrice: decimal(from['total_price']),
    currency: id(from['currency']),
    latency: number(from['latency']),
  };
}

/** `retriever_resources`. Its random `id` and `message_id` are left out: Dify makes them up on each read (§1.14). */
export function citations(value: unknown): readonly WireCitation[] {
  return list(value).map((item, index) => {
    const from = json(item);
    return {
      position: whole(from['position']) ?? index + 1,
      datasetId: id(from['dataset_id']),
      datasetName: textOrNull(from['dataset_name']),
      documentId: id(from['document_id']),
      documentName: textOrNull(from['document_name']),
      segmentId: id(from['segment_id']),
      score: number(from['score']),
      content: textOrNull(from['content']),
    };
  });
}

/** Files of either family: the file dictionary of graphs (§7.4) and the flatter one of messages. */
export function files(value: unknown): readonly WireFile[] {
  return list(value).map((item) => file(json(item)));
}

function file(from: Json): WireFile {
  const size = whole(from['size']);
  const transferMethod = id(from['transfer_method']);
  return {
    id: id(from['id']) ?? id(from['related_id']) ?? id(from['upload_file_id']),
    type: text(from['type']),
    name: id(from['filename']),
    mimeType: id(from['mime_type']),
    // Graphs say -1 for unknown.
    size: size === null || size < 0 ? null : size,
    belongsTo: id(from['belongs_to']),
    transferMethod,
    // Of other files Dify writes their own ids there.
    uploadId: transferMethod === 'local_file' ? (id(from['upload_file_id']) ?? id(from['related_id'])) : null,
    url: id(from['url']) ?? id(from['remote_url']),
  };
}
