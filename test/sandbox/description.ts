import { existsSync, readFileSync } from 'node:fs';
import { OpenAPIBackend, type Document } from 'openapi-backend';
import type { Json } from './client.ts';

/** Dify’s OpenAPI description, which is no part of this project. */
const file = new URL('../../../shared/dify/openapi_service.json', import.meta.url);
export const present = existsSync(file);
if (!present) {
  console.warn(
    'SKIPPED: the replies of the sandbox are not held to Dify’s OpenAPI description, which is not at',
    file.href,
  );
}

/** Where the description and the wire of 1.12.1 disagree (§1.36), the sandbox follows the wire. */
export const known: readonly { readonly of: RegExp; readonly path: RegExp; readonly because: string }[] = [
  { of: /^getWorkflowRunDetail$/, path: /^\/outputs$/, because: '1.12 sends the outputs as JSON in a string' },
  { of: /^getWorkflowRunDetail unknown$/, path: /./, because: 'an unknown run is 200 with nulls (observed)' },
  { of: /WebAppSettings$/, path: /./, because: 'texts of a site may be null (row 15)' },
  { of: /Parameters$/, path: /^\/user_input_form/, because: 'its kinds of fields do not exclude each other (row 13)' },
  { of: /^getConversationHistory$/, path: /form_definition$/, because: 'null is allowed in words only' },
  { of: / iteration_\w+$/, path: /^\/data\/id$/, because: 'containers go by the id of their node (recorded)' },
  { of: / node_finished$/, path: /total_price$/, because: 'prices are decimal strings (recorded)' },
];

/** The differences that were met: one that is met no more should go. */
export const met = new Set<string>();

/** The operations whose replies were looked at. */
export const asked = new Set<string>();

let backend: OpenAPIBackend;

/** Reads the description; to be awaited before anything is held to it. */
export async function readDescription(): Promise<OpenAPIBackend> {
  const definition = JSON.parse(readFileSync(file, 'utf8')) as Document;
  backend = new OpenAPIBackend({ definition: asReplies(definition), quick: true, customizeAjv: withFormats });
  await backend.init();
  return backend;
}

const formats = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  decimal: /^-?\d+(\.\d+)?(E[+-]?\d+)?$/,
  uri: /^https?:/,
  url: /^https?:/,
  binary: /./,
};

type Ajv = Parameters<NonNullable<ConstructorParameters<typeof OpenAPIBackend>[0]['customizeAjv']>>[0];

function withFormats(ajv: Ajv): Ajv {
  for (const [name, format] of Object.entries(formats)) ajv.addFormat(name, format);
  return ajv;
}

/** The description says of streams only that they are text: give each kind of frame an operation that answers with it. */
function asReplies(definition: Document): Document {
  const frames = Object.fromEntries(
    ['ChunkChatEvent', 'ChunkWorkflowEvent', 'ChunkCompletionEvent'].flatMap((chunk) => {
      const schemas = (definition.components?.schemas ?? {}) as unknown as Record<string, Json>;
      const { mapping } = (schemas[chunk]?.['discriminator'] ?? {}) as { mapping?: Record<string, string> };
      return Object.entries(mapping ?? {}).map(([event, $ref]) => {
        const content = { 'application/json': { schema: { $ref } } };
        const responses = { '200': { description: event, content } };
        return [`/frames/${chunk}/${event}`, { get: { operationId: `${chunk} ${event}`, responses } }];
      });
    }),
  );
  return { ...definition, paths: { ...definition.paths, ...frames } } as Document;
}

/** What the description has against a reply, without the differences that are known. */
export function complaints(operation: string, reply: unknown, status = 200, kind = operation): string[] {
  if (backend.router.getOperation(operation) === undefined) return [`${operation} is not described`];
  asked.add(operation);
  const { errors } = backend.validateResponse(reply, operation, status);
  return (errors ?? [])
    .map((error) => ({ path: error.instancePath, text: `${operation} ${error.instancePath} ${error.message ?? ''}` }))
    .filter(({ path }) => {
      const exception = known.find((one) => one.of.test(kind) && one.path.test(path));
      if (exception !== undefined) met.add(exception.because);
      return exception === undefined;
    })
    .map(({ text }) => text);
}
