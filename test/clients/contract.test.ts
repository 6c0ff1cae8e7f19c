import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { concatAST, Kind, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { printedSchema } from '../../src/graphql/print.ts';
import { schema } from '../../src/graphql/schema.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'schema/operations');
const documents = globSync('*.graphql', { cwd: folder }).map((file) => ({
  name: basename(file, '.graphql'),
  document: parse(readFileSync(join(folder, file), 'utf8')),
}));

test('schema/schema.graphql is the schema of this code; after a change: npm run schema', () => {
  expect(readFileSync(join(root, 'schema/schema.graphql'), 'utf8')).toBe(printedSchema);
});

test('every reference operation is valid, and no fragment is left over', () => {
  expect(validate(schema, concatAST(documents.map(({ document }) => document)))).toEqual([]);
});

test('a file holds the one operation that it is named for', () => {
  for (const { name, document } of documents.filter((file) => file.name !== 'fragments')) {
    const operations = document.definitions.map((one) => one.kind === Kind.OPERATION_DEFINITION && one.name?.value);
    expect(operations).toEqual([name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())]);
  }
});

test('the typed operations are those of schema/; after a change: npm run schema', async () => {
  const codegen = join(root, 'node_modules/@graphql-codegen/cli/esm/bin.js');
  await promisify(execFile)(process.execPath, [codegen, '--config', 'codegen.yml', '--check'], { cwd: root });
});
