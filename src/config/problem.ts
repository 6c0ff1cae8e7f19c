/** One thing that is wrong with the configuration, where it stands and what to write instead. */
export interface ConfigProblem {
  /** The file as it was named; undefined for the environment and the command line. */
  readonly file: string | undefined;
  /** Counted from 1. */
  readonly line: number | undefined;
  /** `apps.support.key`, `PORT` or `--port`; empty when the line says it all. */
  readonly path: string;
  readonly message: string;
}

/** Everything that is wrong with the configuration, one line of the message for each problem. Holds no key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const safe = problems.map((problem) => ({
      ...problem,
      file: problem.file && masked(problem.file),
      path: masked(problem.path),
      message: masked(problem.message),
    }));
    super(safe.map(written).join('\n'));
    this.problems = safe;
  }
}

/** A problem outside the file: `place` is a variable or an option. */
export function problemAt(place: string, message: string): ConfigProblem {
  return { file: undefined, line: undefined, path: place, message };
}

function written({ file, line, path, message }: ConfigProblem): string {
  const place = file === undefined ? undefined : line === undefined ? file : `${file}:${line}`;
  return [place, path].filter(Boolean).join(' ') + `: ${message}`;
}

/** The last line of defence: messages quote no values, but a key may have been put where a name or a path belongs. */
function masked(text: string): string {
  return text.replaceAll(/\b(app|dataset)-[\w-]{12,}/gi, '$1-…');
}
