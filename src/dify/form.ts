import { id, isJson, json, type Json, list, text, textOrNull, texts, whole } from './coerce.ts';
import { epochSeconds } from './time.ts';

/** A form for a human, as `GET /form/human_input/{token}` and the events of a pause have it (§1.11, §2.5). */
export interface FormRecord {
  /** Markdown; `{{#$output.x#}}` marks where the input `x` goes. */
  readonly content: string;
  readonly inputs: readonly FormInput[];
  readonly actions: readonly FormAction[];
  /** Epoch seconds. */
  readonly expiresAt: number | null;
}

export interface FormInput {
  /** `paragraph`, `select`, `file`, `file-list`; an open set. */
  readonly type: string;
  readonly name: string;
  /** Resolved by Dify, where it does so; else the constant one. */
  readonly default: string | null;
  /** Of a `select`; null where they come from a variable. */
  readonly options: readonly string[] | null;
  readonly allowedFileTypes: readonly string[];
  /** With the dot. */
  readonly allowedFileExtensions: readonly string[];
  readonly allowedUploadMethods: readonly string[];
  readonly numberLimit: number | null;
}

export interface FormAction {
  readonly id: string;
  readonly title: string;
  /** `primary`, `default`, `accent`, `ghost`; an open set. */
  readonly style: string;
}

/** The reply calls its buttons `user_actions`, an event `actions`. */
export function parseForm(from: Json): FormRecord {
  const defaults = json(from['resolved_default_values']);
  return {
    content: text(from['form_content']),
    inputs: list(from['inputs'])
      .filter(isJson)
      .map((item) => input(item, defaults)),
    actions: list(from['user_actions'] ?? from['actions'])
      .filter(isJson)
      .map((item) => ({
        id: text(item['id']),
        title: text(item['title']),
        style: id(item['button_style']) ?? 'default',
      })),
    expiresAt: epochSeconds(from['expiration_time']),
  };
}

function input(from: Json, defaults: Json): FormInput {
  const name = text(from['output_variable_name']);
  const source = json(from['option_source']);
  return {
    type: text(from['type']),
    name,
    default: textOrNull(defaults[name]) ?? constant(json(from['default'])),
    options: source['type'] === 'constant' ? texts(source['value']) : null,
    allowedFileTypes: texts(from['allowed_file_types']),
    allowedFileExtensions: texts(from['allowed_file_extensions']),
    allowedUploadMethods: texts(from['allowed_file_upload_methods']),
    numberLimit: whole(from['number_limits']),
  };
}

function constant(from: Json): string | null {
  return from['type'] === 'constant' ? textOrNull(from['value']) : null;
}
