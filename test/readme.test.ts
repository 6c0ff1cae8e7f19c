import { readFileSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { defaults } from '../src/config/shape.ts';
import { errorCodes } from '../src/errors.ts';
import { schema } from '../src/graphql/schema.ts';
import { magicWords } from '../src/sandbox/magic-words.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const readme = read('README.md');

describe('the README', () => {
  test('has every error code in its table, and no other', () => {
    const rows = [...section('errors').matchAll(/^\| `([A-Z_]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [
      code,
      meaning,
    ]);
    expect(rows).toEqual(Object.entries(errorCodes));
  });

  test('has every limit in its table, with its default', () => {
    const rows = [...section('limits').matchAll(/^\| `(\w+(?:\.\w+)?)` \| (?:`(.*?)`)? \|/gm)].map(
      ([, name, value]) => [name, value],
    );
    const flat = Object.entries(defaults.limits).flatMap(([name, value]) =>
      typeof value === 'object' && !Array.isArray(value)
        ? Object.entries(value).map(([inner, number]) => [`${name}.${inner}`, String(number)])
        : [[name, Array.isArray(value) ? '[]' : value === undefined ? undefined : String(value)]],
    );
    expect(Object.fromEntries(rows)).toEqual({ persistedOperations: undefined, ...Object.fromEntries(flat) });
    expect(rows).toHaveLength(new Set(rows.map(([name]) => name)).size);
  });

  test('has every magic word in its table, and no other', () => {
    const rows = [...section('magic words').matchAll(/^\| `(![a-z0-9]+)` \| (.*) \|$/gm)].map(([, word, meaning]) => [
      word,
      meaning,
    ]);
    expect(rows).toEqual(Object.entries(magicWords));
  });

  test('quotes the examples as they are', () => {
    const quoted = [...readme.matchAll(/^```\w+ file=(\S+)\n([^]*?)^```$/gm)];
    expect(quoted.map(([, path]) => path)).toEqual(expect.arrayContaining(['examples/apollo.ts', 'examples/urql.ts']));
    for (const [, path, text] of quoted) expect(text, path).toBe(read(path ?? ''));
  });

  test('shows operations that are valid', () => {
    const shown = [...readme.matchAll(/^```graphql\n([^]*?)^```$/gm)].map(([, text]) => text ?? '');
    expect(shown.length).toBeGreaterThanOrEqual(4);
    for (const text of shown) expect(validate(schema, parse(text)), text).toEqual([]);
  });

  test('names only files that exist, and scripts that do', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, path]) => path ?? '');
    for (const path of links) expect(() => readFileSync(new URL(path, root)), path).not.toThrow(/ENOENT/);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run ([a-z]+)/g)].map(([, name]) => name ?? '');
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
function section(name: string): string {
  return new RegExp(`<!-- ${name} -->\n([^]*?)<!-- /${name} -->`).exec(readme)?.[1] ?? '';
}
