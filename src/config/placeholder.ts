interface Filled {
  readonly text: string;
  /** The variables that were asked for, set or not. */
  readonly names: readonly string[];
  readonly problem: string | undefined;
}

/** Replaces `${NAME}` and `${NAME:-default}` (for unset or empty, as in a shell); `$${` stays as `${`. */
export function fillPlaceholders(text: string, env: Readonly<Record<string, string | undefined>>): Filled {
  const names: string[] = [];
  let problem: string | undefined;
  const filled = text.replaceAll(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, inside: string | undefined, end: string) => {
    if (inside === undefined) return '${';
    const [, name, fallback] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inside) ?? [];
    if (name === undefined || end === '') {
      problem =
        'has a ${ that names no variable: write ${NAME}, ${NAME:-default}, or $${ for the characters themselves';
      return whole;
    }
    names.push(name);
    const value = fallback === undefined ? env[name] : env[name] || fallback;
    if (value === undefined)
      problem = `the environment variable ${name} is not set: set it, or write \${${name}:-default}`;
    return value ?? '';
  });
  return { text: filled, names, problem };
}
