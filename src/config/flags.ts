import { parseArgs } from 'node:util';
import { nearest } from './nearest.ts';
import { type ConfigProblem, problemAt } from './problem.ts';

/** What `--help` prints. */
export const usage = `Usage: dify-graphql [options]

  -c, --config PATH   the configuration file (default: dify-graphql.yaml here, if there is one)
      --port PORT     where to listen (default: 8000)
      --host HOST     on which address to listen (default: 127.0.0.1)
  -h, --help          show this

Without a file, one app can be served from the environment:

  DIFY_API_KEY        the app's API key (app-…)
  DIFY_BASE_URL       the address of Dify's API (default: https://api.dify.ai/v1)
  DIFY_APP_NAME       its name in the GraphQL API (default: default)

PORT, HOST and LOG_LEVEL override the file, options override both; DIFY_GRAPHQL_CONFIG names the file like --config.
With no app configured, a sandbox that needs no Dify account answers.
`;

const options = {
  config: { type: 'string', short: 'c' },
  port: { type: 'string' },
  host: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Valued = 'config' | 'port' | 'host';

/** The command line as written, with a problem for each argument that is not understood. No value is quoted. */
export function readFlags(argv: readonly string[]): {
  readonly flags: Readonly<Partial<Record<Valued, string>>>;
  readonly problems: readonly ConfigProblem[];
} {
  const flags: Partial<Record<Valued, string>> = {};
  const problems: ConfigProblem[] = [];
  const complain = (place: string, message: string) => problems.push(problemAt(place, message));

  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional') {
      complain(`argument ${token.index + 1}`, 'does not belong to an option; see --help');
    } else if (token.kind === 'option' && !isKnown(token.name)) {
      const meant = nearest(token.name, Object.keys(options));
      complain(
        `argument ${token.index + 1}`,
        meant ? `unknown option: did you mean --${meant}?` : 'unknown option; see --help',
      );
    } else if (token.kind === 'option' && isKnown(token.name) && token.name !== 'help') {
      if (!token.value || token.value.startsWith('-'))
        complain(`--${token.name}`, `needs a value: write --${token.name} VALUE`);
      else flags[token.name] = token.value;
    }
  }
  return { flags, problems };
}

function isKnown(name: string): name is keyof typeof options {
  return Object.hasOwn(options, name);
}
