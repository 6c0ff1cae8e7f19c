import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { type ConfigProblem, problemAt } from './problem.ts';
import { check, defaults, isAppName, outline, pathText, schemas } from './shape.ts';
import { readYaml } from './yaml-file.ts';

/** Reads the file that `--config` or `DIFY_GRAPHQL_CONFIG` names, which must exist, or `dify-graphql.yaml` if there is one. */
export function readConfigFile(cwd: string, env: Environment, flag: string | undefined) {
  const variable = env['DIFY_GRAPHQL_CONFIG'];
  const name = flag || variable || 'dify-graphql.yaml';
  const path = resolve(cwd, name);
  try {
    return { path, ...parseConfigFile(name, readFileSync(path, 'utf8'), env) };
  } catch (error) {
    const none = { path: undefined, ...parseConfigFile(name, '', env) };
    const reason = reasonOf(error);
    if (reason === 'ENOENT' && !flag && !variable) return none;
    const message = reason === 'ENOENT' ? `there is no file ${name}` : `the file ${name} cannot be read (${reason})`;
    const place = flag ? '--config' : variable ? 'DIFY_GRAPHQL_CONFIG' : name;
    return { ...none, problems: [problemAt(place, message)] };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  throw error;
}

function parseConfigFile(name: string, text: string, env: Environment) {
  const file = readYaml(text, env);
  const { value = defaults, findings } = check(schemas.file, file.value);
  const problem = (path: readonly string[], message: string, line = file.lineOf(path)): ConfigProblem => ({
    file: name,
    line,
    path: pathText(path),
    message,
  });

  // A value that could not be filled in is missing: that is said once.
  const unfilled = new Set(file.problems.map(({ path }) => path.join('.')));
  const problems = [
    ...file.problems.map(({ path, message, line }) => problem(path, message, line)),
    ...findings.filter(({ path }) => !unfilled.has(path.join('.'))).map(({ path, message }) => problem(path, message)),
  ].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));

  const { apps, defaultApp } = outline.parse(file.value);
  return {
    /** As it was written. */
    name,
    /** The defaults, if anything is wrong. */
    settings: value,
    /** Also those with mistakes in them. */
    appNames: Object.keys(apps).filter(isAppName),
    defaultApp,
    variables: file.variables,
    problems,
    problem,
  };
}
