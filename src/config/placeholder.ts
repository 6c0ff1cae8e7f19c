import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';

interface Filled {
  readonly text: string;
  /** The variables that were asked for, set or not. */
  readonly names: readonly string[];
  readonly problem: string | undefined;
}

const advice =
  'has a ${ that names no variable: write ${NAME}, ${NAME:-default}, ${file:/run/secrets/name}, or $${ for the characters themselves';

/**
 * Replaces `${NAME}` and `${NAME:-default}` (for unset or empty, as in a shell), and `${file:/path}` with what is in that file, without
 * the line end that closes it; `$${` stays as `${`.
 */
export function fillPlaceholders(text: string, env: Readonly<Record<string, string | undefined>>): Filled {
  const names: string[] = [];
  let problem: string | undefined;
  const filled = text.replaceAll(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, inside: string | undefined, end: string) => {
    if (inside === undefined) return '${';
    const [, file, name, fallback] = /^(?:file:(.+)|([A-Za-z_]\w*)(?::-(.*))?)$/s.exec(inside) ?? [];
    if (end === '' || (name ?? file) === undefined) {
      problem = advice;
      return whole;
    }
    if (name === undefined) {
      const held = contentOf(file!);
      problem = held.problem ?? problem;
      return held.text;
    }
    names.push(name);
    const value = fallback === undefined ? env[name] : env[name] || fallback;
    if (value === undefined)
      problem = `the environment variable ${name} is not set: set it, or write \${${name}:-default}`;
    return value ?? '';
  });
  return { text: filled, names, problem };
}

/** The path is not quoted: it may be a secret that was put in the wrong place. */
function contentOf(path: string): { readonly text: string; readonly problem?: string } {
  if (!isAbsolute(path))
    return { text: '', problem: 'names a file by a path that is not absolute: write ${file:/run/secrets/name}' };
  try {
    return { text: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const { code = 'no text' } = error as NodeJS.ErrnoException;
    return { text: '', problem: `names a file that cannot be read (${code})` };
  }
}
