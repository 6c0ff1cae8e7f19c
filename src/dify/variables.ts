import type { AppClient } from './app-client.ts';
import { id, text, textOrNull, type Json } from './coerce.ts';
import { notDify } from './not-dify.ts';
import { parsePage } from './page.ts';
import { path } from './path.ts';
import type { Page } from './records.ts';
import { epochSeconds } from './time.ts';

/** A conversation variable (§1.20). Times are epoch seconds. */
export interface VariableRecord {
  readonly id: string;
  readonly name: string;
  /** `string`, `number`, `object`, `array[string]` …; an open set. */
  readonly valueType: string;
  /** As Dify writes it: objects and arrays in Python's notation, not JSON. */
  readonly value: string | null;
  readonly description: string | null;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** What a chatflow remembers within a conversation. */
export class Variables {
  readonly #client: AppClient;

  constructor(client: AppClient) {
    this.#client = client;
  }

  /** `GET /conversations/{id}/variables` (§1.20), oldest first. `name` finds parts of names; 1.11 and 1.12 fail on it with 500. */
  async list(q: {
    readonly user: string;
    readonly conversationId: string;
    readonly lastId?: string;
    readonly limit: number;
    readonly name?: string;
  }): Promise<Page<VariableRecord>> {
    const query = { user: q.user, last_id: q.lastId, limit: String(q.limit), variable_name: q.name };
    const read = { path: path`/conversations/${q.conversationId}/variables`, query, idInPath: true };
    return parsePage(await this.#client.read(read), parseVariable, read.path);
  }

  /** `PUT /conversations/{id}/variables/{id}` (§1.21). The value must be of the variable's type. */
  async set(q: {
    readonly user: string;
    readonly conversationId: string;
    readonly variableId: string;
    readonly value: unknown;
  }): Promise<VariableRecord> {
    const to = path`/conversations/${q.conversationId}/variables/${q.variableId}`;
    const body = { user: q.user, value: q.value ?? null };
    const set = parseVariable(await this.#client.once({ method: 'PUT', path: to, body, idInPath: true }));
    return set.id === '' ? notDify(to) : set;
  }
}

function parseVariable(from: Json): VariableRecord {
  return {
    id: text(from['id']),
    name: text(from['name']),
    valueType: id(from['value_type']) ?? 'string',
    value: textOrNull(from['value']),
    description: textOrNull(from['description']),
    createdAt: epochSeconds(from['created_at']),
    updatedAt: epochSeconds(from['updated_at']),
  };
}
