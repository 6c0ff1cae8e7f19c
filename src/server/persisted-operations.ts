import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Kind, parse, print, visit, type DefinitionNode, type FragmentDefinitionNode } from 'graphql';
import { GatewayError } from '../errors.ts';

/** What a client sends of a document: its text, its id, or both. */
export interface SentDocument {
  readonly query?: string | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The only documents that are taken. */
export class PersistedOperations {
  readonly #byId: ReadonlyMap<string, string>;
  readonly #texts: ReadonlySet<string>;

  /** By id; each is known by the SHA-256 of its text besides. */
  constructor(byId: ReadonlyMap<string, string>) {
    this.#texts = new Set(byId.values());
    this.#byId = new Map([...Array.from(this.#texts, (text) => [sha256(text), text] as const), ...byId]);
  }

  /** The text of what was sent, if it is one of them: by `extensions.persistedQuery.sha256Hash`, or exactly as it is written. */
  textOf({ query, extensions }: SentDocument): string {
    const id = (extensions?.['persistedQuery'] as { readonly sha256Hash?: unknown } | null | undefined)?.sha256Hash;
    const known = typeof id === 'string' ? this.#byId.get(id) : undefined;
    if (known !== undefined) return known;
    if (typeof query === 'string' && this.#texts.has(query)) return query;
    throw new GatewayError(
      'PERSISTED_OPERATION_NOT_FOUND',
      'This server takes only operations that it knows beforehand.',
    );
  }
}

/**
 * Reads a folder of `.graphql` files, whose operations may use each other's fragments, or a JSON file of documents by id: a plain
 * object, or what Apollo's `generate-persisted-query-manifest` writes. Throws an error that says what is wrong with it.
 */
export function readPersistedOperations(path: string): PersistedOperations {
  const byId = statSync(path).isDirectory() ? fromFolder(path) : fromManifest(readFileSync(path, 'utf8'));
  if (byId.size === 0) throw new Error('no operations are there');
  return new PersistedOperations(byId);
}

/** Each file as it is written, where it stands for itself, and each operation as `print` writes it, its fragments behind it. */
function fromFolder(path: string): Map<string, string> {
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.graphql'));
  const texts = files.toSorted().map((name) => readFileSync(join(path, name), 'utf8'));
  const definitions = texts.flatMap((text) => parse(text, { noLocation: true }).definitions);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
  const printed = definitions
    .filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
    .map((operation) => [operation, ...used(operation, fragments)].map((part) => print(part)).join('\n\n'));
  return new Map([...texts, ...texts.map((text) => text.trim()), ...printed].map((text) => [sha256(text), text]));
}

/** The fragments of a definition and of these, in the order of their spreads. */
function used(
  definition: DefinitionNode,
  all: ReadonlyMap<string, FragmentDefinitionNode>,
  found = new Set<FragmentDefinitionNode>(),
): ReadonlySet<FragmentDefinitionNode> {
  visit(definition, {
    FragmentSpread({ name }) {
      const fragment = all.get(name.value);
      if (fragment && !found.has(fragment)) used(fragment, all, found.add(fragment));
    },
  });
  return found;
}

function fromManifest(text: string): Map<string, string> {
  const manifest: unknown = JSON.parse(text);
  const { operations } = manifest as {
    readonly operations?: readonly { readonly id: string; readonly body: string }[];
  };
  const entries = Array.isArray(operations)
    ? operations.map(({ id, body }) => [id, body] as const)
    : Object.entries(manifest as Record<string, string>);
  for (const [id, body] of entries) {
    if (typeof body !== 'string') throw new Error(`the document of “${id}” is not a text`);
    parse(body);
  }
  return new Map(entries);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
