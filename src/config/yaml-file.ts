import {
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { fillPlaceholders } from './placeholder.ts';

/** Something wrong at a place of the file. */
export interface Finding {
  readonly path: readonly string[];
  readonly message: string;
}

/** A configuration file as read: its placeholders are filled and every value knows its line. */
export interface YamlFile {
  /** Plain data; undefined when the file is empty or cannot be read as YAML. */
  readonly value: unknown;
  readonly problems: readonly (Finding & { readonly line: number })[];
  /** The environment variables that it names. */
  readonly variables: ReadonlySet<string>;
  /** The line of the key at the end of the path, or of the last one on the way that is there; undefined at the top. */
  lineOf(path: readonly string[]): number | undefined;
}

/** What to write instead. The parser's own messages are not used: they quote the file, and the file may hold keys. */
const advice: Partial<Record<ErrorCode, string>> = {
  BAD_DQ_ESCAPE: 'double quotes read \\ as the start of an escape: use single quotes',
  BAD_INDENT: 'is not indented as what surrounds it asks, or a bracket is not closed',
  BAD_SCALAR_START: 'the value starts with a character that YAML keeps for itself: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'has a second colon: put the value in quotes, or each name on its own line',
  DUPLICATE_KEY: 'this name is written twice in one place: keep one',
  MISSING_CHAR: 'a quote, bracket, comma or colon is missing here or before',
  MULTILINE_IMPLICIT_KEY: 'has no colon and space after the name: write `name: value`',
  MULTIPLE_DOCS: 'a second document starts here: keep one',
  NON_STRING_KEY: 'a list or mapping stands where a name belongs: write `name: value`',
  TAB_AS_INDENT: 'is indented with a tab: use spaces',
  TAG_RESOLVE_FAILED: 'has an unknown tag: put a value that starts with ! in quotes',
  UNEXPECTED_TOKEN: 'does not belong here: put text with { } [ ] , # in quotes, also "${NAME}" between braces',
};

/** Reads YAML and fills `${NAME}` from `env`. Never throws. */
export function readYaml(text: string, env: Readonly<Record<string, string | undefined>>): YamlFile {
  const lines = new LineCounter();
  // prettyErrors would quote source lines. logLevel: 'warn' quotes them on stderr, 'silent' hides a second document.
  const options = { prettyErrors: false, logLevel: 'error', stringKeys: true, lineCounter: lines } as const;
  const document = parseDocument(text, options);
  const lineAt = (offset: number | undefined) => lines.linePos(offset ?? 0).line;

  const problems = new Map<string, Finding & { line: number }>();
  const complain = (line: number, path: readonly string[], message: string) =>
    problems.set(`${line} ${path.join('.')}`, { line, path, message });

  for (const { code, pos } of [...document.errors, ...document.warnings].toReversed()) {
    complain(lineAt(pos[0]), [], advice[code] ?? 'cannot be read as YAML');
  }

  const readable = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  const variables = new Set<string>();
  visit(readable ? document : null, {
    Alias(_, alias, ancestors) {
      if (alias.resolve(document)) return undefined;
      complain(
        lineAt(alias.range?.[0]),
        pathOf(ancestors, alias),
        'no value has this name: put a value that starts with * in quotes',
      );
      return visit.REMOVE;
    },
    Scalar(role, scalar, ancestors) {
      if (role === 'key' || typeof scalar.value !== 'string') return;
      const filled = fillPlaceholders(scalar.value, env);
      scalar.value = filled.problem === undefined ? filled.text : null;
      for (const name of filled.names) variables.add(name);
      if (filled.problem === undefined) return;
      complain(lineAt(scalar.range?.[0]), pathOf(ancestors, scalar), filled.problem);
    },
  });

  return {
    // Aliases become shared references, so that their number does no harm.
    value: readable ? (document.toJS({ maxAliasCount: -1 }) ?? undefined) : undefined,
    problems: [...problems.values()].sort((a, b) => a.line - b.line),
    variables,
    lineOf(path) {
      let node: unknown = document.contents;
      let line: number | undefined;
      for (const name of path) {
        const inner: unknown = isAlias(node) ? node.resolve(document) : node;
        if (isSeq(inner)) {
          node = inner.items[Number(name)];
          if (!isNode(node)) break;
          line = lineAt(node.range?.[0]);
          continue;
        }
        const pair = isMap(inner) ? inner.items.find((item) => nameOf(item) === name) : undefined;
        if (!pair) break;
        line = lineAt((pair.key as Node).range?.[0]);
        node = pair.value;
      }
      return line;
    },
  };
}

function pathOf(ancestors: readonly unknown[], node: unknown): readonly string[] {
  return ancestors.flatMap((outer, depth) => {
    if (isPair(outer)) return nameOf(outer);
    return isSeq(outer) ? String(outer.items.indexOf(ancestors[depth + 1] ?? node)) : [];
  });
}

function nameOf(pair: { readonly key: unknown }): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}
