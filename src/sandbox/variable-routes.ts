import { isChat } from './app.ts';
import { seconds } from './clock.ts';
import { conversationOf } from './conversation-routes.ts';
import { invalidParam, notChatApp, notFound, refusal, unknownError } from './errors.ts';
import { bodyOf, json, optionalUser, type Call, type Reply } from './http.ts';
import type { Conversation, Variable } from './message.ts';
import { pageOf } from './pages.ts';
import { pythonRepr } from './python-json.ts';
import { aUuid, aVariableName, between, validate } from './schema.ts';
import type { World } from './world.ts';

/** `GET /conversations/{id}/variables`. Asking by a name, or a part of it, fails up to 1.12 (observed). */
export function listVariables(world: World, call: Call): Reply {
  const { query } = call;
  const conversation = conversationWithVariables(world, call, query.get('user'));
  validate('ConversationVariablesQuery', Object.fromEntries(query), {
    last_id: { check: aUuid('last_id') },
    limit: { check: between(1, 100) },
    ...(world.features.namedVariables ? { variable_name: { check: aVariableName } } : {}),
  });
  const name = query.get('variable_name');
  if (name !== null && !world.features.namedVariables) throw unknownError();
  const variables = conversation.variables.filter((one) => one.name.toLowerCase().includes(name?.toLowerCase() ?? ''));
  const limit = Number(query.get('limit') ?? 20);
  const lastId = query.get('last_id') ?? '';
  const after = variables.find((variable) => variable.id === lastId);
  if (lastId !== '' && after === undefined) throw invalidParam('');
  const page = pageOf(variables, { by: (one) => one.createdAt, descending: false, after, limit });
  return json({ limit, has_more: page.hasMore, data: page.rows.map(variableItem) });
}

/** `PUT /conversations/{id}/variables/{id}` */
export function setVariable(world: World, call: Call): Reply {
  const body = bodyOf(call);
  const conversation = conversationWithVariables(world, call, body['user']);
  const variable = conversation.variables.find(({ id }) => id === call.params['variable']);
  if (variable === undefined) throw notFound('Conversation Variable Not Exists.', call.path);
  validate('ConversationVariableUpdatePayload', body, { value: { required: true, check: () => undefined } });
  assign(variable, body['value'], world.now());
  return json(variableItem(variable));
}

function conversationWithVariables(world: World, call: Call, user: unknown): Conversation {
  if (!isChat(call.app) || call.app.mode === 'agent') throw notChatApp();
  return conversationOf(world, call, optionalUser(call.app, user));
}

function assign(variable: Variable, value: unknown, now: number): void {
  const type = typeName(value);
  const fits = type === variable.type || (type === 'array[any]' && variable.type.startsWith('array'));
  if (!fits) throw refusal(400, 'bad_request', mismatch(variable, type));
  variable.value = value;
  variable.updatedAt = now;
}

const mismatch = ({ name, type }: Variable, got: string) =>
  `Type mismatch: variable '${name}' expects ${type}, but got ${got} type`;

/** How Dify names the type of a JSON value. */
function typeName(value: unknown): string {
  if (value === null) return 'none';
  if (!Array.isArray(value)) return typeof value;
  const types = new Set(value.map(typeName));
  const [only = 'any'] = types;
  return types.size <= 1 && ['string', 'number', 'object', 'boolean', 'any'].includes(only)
    ? `array[${only}]`
    : 'array[any]';
}

/** The value is text in every case, of lists and objects as Python writes them (§1.20). */
function variableItem({ id, name, type, value, description, createdAt, updatedAt }: Variable): object {
  return {
    id,
    name,
    value_type: type,
    value: typeof value === 'string' ? value : pythonRepr(value),
    description,
    created_at: seconds(createdAt),
    updated_at: seconds(updatedAt),
  };
}
