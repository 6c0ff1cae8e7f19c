import { posix } from 'node:path';

/** Source text by path (`src/runs/follow.ts`). */
export type Sources = Readonly<Record<string, string>>;

/** A room may import from the floors below it; rooms on one floor do not know each other. */
const floors: Readonly<Record<string, number>> = {
  main: 4,
  gateway: 4,
  index: 4,
  server: 3,
  graphql: 3,
  runs: 2,
  config: 1,
  dify: 1,
  sandbox: 1,
  errors: 0,
};

const builder = 'src/graphql/builder.ts';
const schema = 'src/graphql/schema.ts';
const print = 'src/graphql/print.ts';

interface Import {
  readonly from: string;
  /** A path for our own files, a name for packages. */
  readonly to: string;
  readonly isOurs: boolean;
  /** `import './cat.ts'` has no other purpose. */
  readonly isForEffect: boolean;
}

/** Every breach of the house's rules, one line each; empty when all of them are kept. */
export function breaches(sources: Sources): readonly string[] {
  const files = Object.entries(sources).map(([path, source]) => ({ path, source, code: withoutComments(source) }));
  const imports = files.flatMap(({ path, code }) => importsOf(path, code));
  return [
    ...files.flatMap(({ path, source }) => fileBreaches(path, source)),
    ...files.flatMap(({ path, code }) => codeBreaches(path, code)),
    ...imports.flatMap(importBreaches),
    ...cycles(imports),
  ];
}

function fileBreaches(path: string, source: string): readonly string[] {
  const lines = source.trimEnd().split('\n').length;
  return [
    ...(Object.hasOwn(floors, room(path)) ? [] : [`${path} stands on no floor`]),
    ...(lines > 250 ? [`${path} has ${lines} lines, more than 250`] : []),
    ...(/\/(utils?|helpers?|common|types?|misc)[/.]/.test(path) ? [`${path} is not named for the thing in it`] : []),
  ];
}

function codeBreaches(path: string, code: string): readonly string[] {
  const mayRead = { env: path === 'src/main.ts', argv: path === 'src/main.ts' || path === print };
  const reads = (name: 'env' | 'argv') => new RegExp(`\\bprocess\\s*(\\.|\\?\\.|\\[['"])\\s*${name}\\b`).test(code);
  return [
    ...(['env', 'argv'] as const).flatMap((name) =>
      reads(name) && !mayRead[name] ? [`${path} reads process.${name}`] : [],
    ),
    // Taken whole, there is no telling what is read of it.
    ...(/[=(,:]\s*process\s*[;,)}]|\bfrom ['"](node:)?process['"]/.test(code) ? [`${path} hands process on`] : []),
    ...(/\bconsole\s*[.[]/.test(code) ? [`${path} writes to the console`] : []),
    // The empty roots, `builder.queryType()`, are none.
    ...(path === builder && /\bbuilder\s*\.\w+[^(]*\(\s*[^)\s]/.test(code) ? [`${path} defines types`] : []),
  ];
}

function importBreaches({ from, to, isOurs, isForEffect }: Import): readonly string[] {
  if (isForEffect && from !== schema) return [`${from} imports ${to} for its side effects`];
  if (!isOurs) return [];
  if (!to.startsWith('src/')) return [`${from} imports ${to} from outside the house`];
  const readers = ['src/gateway.ts', print];
  if (to === schema && !readers.includes(from)) return [`${from} may not import ${to}`];
  return mayEnter(room(from), room(to)) ? [] : [`${from} may not import ${to}: imports go down`];
}

function mayEnter(own: string, other: string): boolean {
  if (own === other) return true;
  // The sandbox is a stand-in for Dify: it may not share our mistakes.
  if (own === 'sandbox') return false;
  const [high = 0, low = 0] = [floors[own], floors[other]];
  return high === 4 || low < high;
}

/** `src/runs/follow.ts` → `runs`; `src/config.ts` and `src/config/shape.ts` → `config`. */
function room(path: string): string {
  return path.split(/[/.]/)[1] ?? '';
}

/** Static, type-only and dynamic imports, and re-exports. Relies on the formatter: a statement starts its line. */
function importsOf(from: string, code: string): readonly Import[] {
  const statements = code.matchAll(/^(?:import|export)\b[^'";]*?\bfrom\s*['"](?<name>[^'"]+)['"]/gm);
  const calls = code.matchAll(/\bimport\(\s*'(?<name>[^']+)'/g);
  const effects = code.matchAll(/^import\s*['"](?<name>[^'"]+)['"]/gm);
  const found = (matches: Iterable<RegExpExecArray>, isForEffect: boolean) =>
    Array.from(matches, ({ groups }) => groups!['name']!).map((name) => {
      const isOurs = name.startsWith('.');
      return { from, to: isOurs ? posix.join(posix.dirname(from), name) : name, isOurs, isForEffect };
    });
  return [...found(statements, false), ...found(calls, false), ...found(effects, true)];
}

/**
 * Each circle once, as `a → b → a`. The files in which `graphql/` defines its types count as one: they may name each other,
 * since Pothos asks for a type's fields only after all of them are loaded.
 */
function cycles(imports: readonly Import[]): readonly string[] {
  const domains = new Set(imports.filter(({ to }) => to === builder).map(({ from }) => from));
  const types = 'the types of src/graphql';
  const node = (path: string) => (domains.has(path) ? types : path);
  const edges = imports.map(({ from, to }) => ({ from: node(from), to: node(to) }));
  const targets = Map.groupBy(
    edges.filter(({ from, to }) => from !== to || from !== types),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) found.push([...trail.slice(start), path].join(' → '));
    if (start !== -1 || done.has(path)) return;
    for (const { to } of targets.get(path) ?? []) walk(to, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) walk(path, []);
  return found.map((circle) => `imports go round: ${circle}`);
}

/** Leaves the lines where they are. Comments are found by what the formatter makes of them, not by parsing. */
function withoutComments(source: string): string {
  return source.replaceAll(/^\s*(\/\*|\*|\/\/).*$|\s\/\/ .*$/gm, '');
}
