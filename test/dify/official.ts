import { existsSync, readFileSync } from 'node:fs';
import { OpenAPIBackend, type Document } from 'openapi-backend';
import type { SeenRequest } from './fake-server.ts';

const file = new URL('../../../shared/dify/openapi_service.json', import.meta.url);

interface Described {
  readonly operationId?: string;
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema: Record<string, unknown> }>> };
}

const formats = {
  url: /^https?:/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT/,
  binary: /^/,
};

/** Dify's own description of the Service API, where it is at hand; it is not part of this project. */
export class Official {
  /** The operations that take an app's key, by id. */
  readonly operations: ReadonlySet<string>;
  readonly #backend: OpenAPIBackend;

  private constructor(backend: OpenAPIBackend, operations: ReadonlySet<string>) {
    this.#backend = backend;
    this.operations = operations;
  }

  static async open(): Promise<Official | undefined> {
    if (!existsSync(file)) {
      console.warn('SKIPPED: requests are not held to Dify’s OpenAPI description, which is not at', file.href);
      return undefined;
    }
    const definition = JSON.parse(readFileSync(file, 'utf8')) as Document;
    const paths = Object.entries(definition.paths ?? {}) as [string, Readonly<Record<string, Described>>][];
    const ofApps = paths
      .filter(([path]) => !/dataset|workspaces/.test(path))
      .flatMap(([, item]) => Object.values(item));
    for (const { requestBody } of ofApps) {
      // What Dify does not describe it does not read: a misspelt member would go unnoticed.
      for (const { schema } of Object.values(requestBody?.content ?? {})) {
        resolved(definition, schema)['additionalProperties'] = false;
      }
    }
    const backend = new OpenAPIBackend({
      definition,
      quick: true,
      apiRoot: '/v1',
      customizeAjv: (ajv) => {
        for (const [name, format] of Object.entries(formats)) ajv.addFormat(name, format);
        return ajv;
      },
    });
    await backend.init();
    return new Official(backend, new Set(ofApps.flatMap(({ operationId }) => operationId ?? [])));
  }

  /** The operation that a request asks for, and what the description has against it. */
  async judge(request: SeenRequest): Promise<{ readonly operation: string | undefined; readonly complaints: unknown }> {
    const [path = '', query = ''] = request.url.split('?');
    const asked = {
      method: request.method,
      path,
      query,
      headers: request.headers as Record<string, string>,
      body: await bodyOf(request),
    };
    const operation = this.#backend.router.matchOperation(asked);
    if (operation === undefined) return { operation, complaints: 'not described' };
    return {
      operation: operation.operationId,
      complaints: this.#backend.validateRequest(asked, operation).errors ?? [],
    };
  }
}

function resolved(definition: Document, schema: Record<string, unknown>): Record<string, unknown> {
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const names = reference.slice('#/'.length).split('/');
  return names.reduce((at: object, name) => at[name as keyof typeof at], definition) as Record<string, unknown>;
}

async function bodyOf(request: SeenRequest): Promise<unknown> {
  const type = request.headers['content-type'];
  if (type?.startsWith('multipart/') !== true) return request.body === '' ? undefined : JSON.parse(request.body);
  return Object.fromEntries([...(await formOf(request)).entries()].map(([name, value]) => [name, asText(value)]));
}

function asText(value: FormDataEntryValue): string {
  return typeof value === 'string' ? value : value.name;
}

/** The form of a multipart request, as the platform reads it. */
export function formOf({ headers, bytes }: SeenRequest): Promise<FormData> {
  return new Response(new Uint8Array(bytes), { headers: { 'content-type': headers['content-type'] ?? '' } }).formData();
}
