import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { breaches, type Sources } from './house-rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the house keeps its rules', () => {
  const paths = globSync('src/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'));
  const sources = Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
  expect(paths).toContain('src/errors.ts');
  expect(breaches(sources)).toEqual([]);
});

describe('the rules', () => {
  /** A small house that keeps them. */
  const house: Sources = {
    'src/main.ts': `import { serve } from './gateway.ts';\nserve(process.argv, process.env);`,
    'src/index.ts': `export * from './gateway.ts';\nexport type { Config } from './config.ts';`,
    'src/gateway.ts': `import { schema } from './graphql/schema.ts';\nimport {\n  fake,\n} from './sandbox/fake.ts';`,
    'src/config.ts': `import { z } from 'zod';\nimport { shape } from './config/shape.ts';`,
    'src/config/shape.ts': `import type { ErrorCode } from '../errors.ts';`,
    'src/server/http.ts': `import { follow } from '../runs/follow.ts';\nprocess.on('exit', stop);`,
    'src/graphql/schema.ts': `import './chat.ts';\nimport { builder } from './builder.ts';`,
    'src/graphql/print.ts': `import { schema } from './schema.ts';\nprint(process.argv[2]);`,
    'src/graphql/builder.ts': `export const builder = new SchemaBuilder({});\nbuilder.queryType();`,
    'src/graphql/chat.ts': `import { builder } from './builder.ts';\nbuilder.objectType('Chat', {});\nimport { Run } from './run.ts';`,
    'src/graphql/run.ts': `import { builder } from './builder.ts';\nimport type { Chat } from './chat.ts';`,
    'src/runs/follow.ts': `import { ask } from '../dify/client.ts';\n/** Not process.env. */\nask(); // no console.log`,
    'src/dify/client.ts': `import { GatewayError } from '../errors.ts';\nimport { request } from 'undici';`,
    'src/sandbox/fake.ts': `import { createServer } from 'node:http';`,
    'src/errors.ts': `export class GatewayError extends Error {}`,
  };

  test('let a good house be', () => {
    expect(breaches(house)).toEqual([]);
  });

  const wrong: readonly (readonly [path: string, line: string, expected: string])[] = [
    [
      'src/runs/up.ts',
      `import { x } from '../graphql/chat.ts';`,
      'may not import src/graphql/chat.ts: imports go down',
    ],
    ['src/runs/up.ts', `import type { X } from '../gateway.ts';`, 'may not import src/gateway.ts: imports go down'],
    [
      'src/runs/up.ts',
      `import {\n  x,\n  y,\n} from '../server/http.ts';`,
      'may not import src/server/http.ts: imports go down',
    ],
    ['src/runs/up.ts', `export * from '../index.ts';`, 'may not import src/index.ts: imports go down'],
    ['src/runs/up.ts', `await import('../main.ts');`, 'may not import src/main.ts: imports go down'],
    [
      'src/server/a.ts',
      `import { x } from '../graphql/chat.ts';`,
      'may not import src/graphql/chat.ts: imports go down',
    ],
    ['src/graphql/a.ts', `let x: import('../server/http.ts').X;`, 'may not import src/server/http.ts: imports go down'],
    ['src/dify/a.ts', `import { x } from '../config.ts';`, 'may not import src/config.ts: imports go down'],
    ['src/dify/a.ts', `import { x } from '../sandbox/fake.ts';`, 'may not import src/sandbox/fake.ts: imports go down'],
    ['src/config/a.ts', `import { x } from '../dify/client.ts';`, 'may not import src/dify/client.ts: imports go down'],
    ['src/sandbox/a.ts', `import { x } from '../errors.ts';`, 'may not import src/errors.ts: imports go down'],
    [
      'src/errors.ts',
      `import type { X } from './runs/follow.ts';`,
      'may not import src/runs/follow.ts: imports go down',
    ],
    ['src/server/a.ts', `import { x } from '../../test/x.ts';`, 'imports test/x.ts from outside the house'],
    ['src/graphql/a.ts', `import { schema } from './schema.ts';`, 'may not import src/graphql/schema.ts'],
    ['src/index.ts', `export { schema } from './graphql/schema.ts';`, 'may not import src/graphql/schema.ts'],
    ['src/graphql/a.ts', `import './chat.ts';`, 'imports src/graphql/chat.ts for its side effects'],
    ['src/main.ts', `import 'dotenv';`, 'imports dotenv for its side effects'],
    ['src/graphql/builder.ts', `builder.objectType('A', {});`, 'defines types'],
    ['src/graphql/builder.ts', `export const A = builder.objectRef<A>('A');`, 'defines types'],
    ['src/gateway.ts', `const url = process.env.URL;`, 'reads process.env'],
    ['src/graphql/print.ts', `const url = process.env['URL'];`, 'reads process.env'],
    ['src/config.ts', `parse(process.argv);`, 'reads process.argv'],
    ['src/runs/a.ts', `const { env } = process;`, 'hands process on'],
    ['src/runs/a.ts', `import { env } from 'node:process';`, 'hands process on'],
    ['src/runs/a.ts', `console.log('here');`, 'writes to the console'],
    ['src/runs/utils.ts', '', 'is not named for the thing in it'],
    ['src/graphql/types/chat.ts', '', 'is not named for the thing in it'],
    ['src/store/redis.ts', '', 'stands on no floor'],
    ['src/runs/long.ts', 'x;\n'.repeat(251), 'has 251 lines, more than 250'],
  ];

  test.each(wrong)('find in %s: %.60s', (path, line, expected) => {
    expect(breaches({ ...house, [path]: line })).toContain(`${path} ${expected}`);
  });

  test('find imports that go round, each circle once', () => {
    const circles = {
      'src/runs/a.ts': `import { b } from './b.ts';\nimport { follow } from './follow.ts';`,
      'src/runs/b.ts': `import type { C } from './c.ts';`,
      'src/runs/c.ts': `import { a } from './a.ts';\nimport { b } from './b.ts';`,
      'src/graphql/builder.ts': `import type { Chat } from './chat.ts';`,
    };
    expect(breaches({ ...house, ...circles })).toEqual([
      'imports go round: the types of src/graphql → src/graphql/builder.ts → the types of src/graphql',
      'imports go round: src/runs/a.ts → src/runs/b.ts → src/runs/c.ts → src/runs/a.ts',
      'imports go round: src/runs/b.ts → src/runs/c.ts → src/runs/b.ts',
    ]);
  });
});
