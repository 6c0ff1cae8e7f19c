import { isGraph } from './app.ts';
import { attacher } from './attachments.ts';
import { notFound, notWorkflowApp, refusal, Refusal } from './errors.ts';
import { graphFile } from './files.ts';
import type { Form, FormInput } from './forms.ts';
import { bodyOf, json, requiredUser, sendText, type Call, type Reply } from './http.ts';
import { pythonJson } from './python-json.ts';
import { aDictionary, aString, validate } from './schema.ts';
import type { World } from './world.ts';

/** `GET /form/human_input/{token}`: raw UTF-8, unlike all other replies (§0.3). */
export function showForm(world: World, call: Call): Reply {
  const { definition, expiresAt } = openForm(world, call);
  const { content, inputs, defaults, actions } = definition;
  const form = {
    form_content: content,
    inputs,
    resolved_default_values: defaults,
    user_actions: actions,
    expiration_time: expiresAt,
  };
  sendText(call.response, 200, pythonJson(form, false), { 'Content-Type': 'application/json' });
  return 'taken';
}

/** `POST /form/human_input/{token}`: anybody who has the token may answer, once (§1.12). */
export function submitForm(world: World, call: Call): Reply {
  const body = bodyOf(call);
  const user = requiredUser(call.app, body['user']);
  validate('HumanInputFormSubmitPayload', body, {
    inputs: { required: true, check: aDictionary },
    action: { required: true, check: aString },
  });
  const form = openForm(world, call);
  const { content, inputs, actions } = form.definition;
  const action = actions.find(({ id }) => id === body['action']);
  if (action === undefined) throw invalidForm(`Invalid action: ${String(body['action'])}`);
  const attach = attacher(world, call.app, user);
  const values = valuesOf(inputs, body['inputs'] as Readonly<Record<string, unknown>>, (mapping) =>
    graphFile(world, attach(mapping)),
  );
  const rendered = Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`{{#$output.${name}#}}`, shown(value)),
    content,
  );
  form.submit({ action, values, rendered });
  return json({});
}

/** The form of a token, if it still waits. */
function openForm(world: World, { app, params, path }: Call): Form {
  if (!isGraph(app)) throw notWorkflowApp();
  const form = world.forms.find(app.name, params['token'] ?? '');
  if (form === undefined) throw notFound('Form not found', path);
  if (form.submission !== undefined) {
    const message = `This form has already been submitted by another user, form_id=${form.id}`;
    throw refusal(412, 'human_input_form_submitted', message);
  }
  if (form.expired) {
    throw refusal(412, 'human_input_form_expired', `This form has expired, form_id=${form.id}`);
  }
  return form;
}

const invalidForm = (message: string) => refusal(400, 'invalid_form_data', message);

type FileFor = (mapping: unknown) => object;

function valuesOf(
  inputs: readonly FormInput[],
  given: Readonly<Record<string, unknown>>,
  fileFor: FileFor,
): Record<string, unknown> {
  // A file may be left out here, so that nobody has to upload one to try it.
  const missing = inputs.filter(({ output_variable_name: name, type }) => type !== 'file' && given[name] === undefined);
  if (missing.length > 0) {
    const names = missing.map(({ output_variable_name: name }) => name).join(', ');
    throw invalidForm(`Missing required inputs: ${names}`);
  }
  return Object.fromEntries(
    inputs.map((input) => [input.output_variable_name, valueOf(input, given[input.output_variable_name], fileFor)]),
  );
}

function valueOf(input: FormInput, value: unknown, fileFor: FileFor): unknown {
  const { output_variable_name: name, type } = input;
  if (type === 'file') {
    if (value === undefined || value === null || value === '') return null;
    try {
      return fileFor(value);
    } catch (error) {
      throw invalidForm(`Invalid value for input '${name}': ${error instanceof Refusal ? error.text : 'no file'}`);
    }
  }
  if (typeof value !== 'string') throw invalidForm(`Invalid value for input '${name}': expected a string`);
  const { value: options } = (input['option_source'] ?? {}) as { readonly value?: readonly string[] };
  if (options !== undefined && !options.includes(value)) {
    throw invalidForm(`Invalid value for input '${name}': must be one of ${options.join(', ')}`);
  }
  return value;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  const { filename = '' } = (value ?? {}) as { readonly filename?: string };
  return filename;
}
