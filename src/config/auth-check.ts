import type { AuthConfig } from './auth-config.ts';
import type { Environment } from './environment.ts';
import type { readConfigFile } from './file.ts';
import { type ConfigProblem, problemAt } from './problem.ts';
import type { defaults } from './shape.ts';

type File = ReturnType<typeof readConfigFile>;
type Auth = (typeof defaults)['auth'];

/** What is wrong with `auth` beside its own form: with what stands elsewhere. */
export function authProblems(
  file: File,
  server: { readonly value: Pick<File['settings']['server'], 'host'>; readonly problems: readonly unknown[] },
  flags: Readonly<Record<string, string | undefined>>,
  env: Environment,
): readonly ConfigProblem[] {
  const { auth } = file.settings;
  const proves = auth.jwt.length > 0 || auth.apiKeys.length > 0 || auth.proxy !== undefined;
  const problems: ConfigProblem[] = [];
  if (proves && auth.allowAnonymous)
    problems.push(file.problem(['auth', 'allowAnonymous'], 'nobody is anonymous with the rest of auth: remove it'));
  if (proves && file.settings.server.admins.length > 0) {
    const message = 'is for servers without auth: give the scope admin by tokens, keys or the proxy, and remove this';
    problems.push(file.problem(['server', 'admins'], message));
  }
  const isOpen = server.problems.length === 0 && !isThisMachine(server.value.host);
  if (!proves && !auth.allowAnonymous && isOpen) {
    const message =
      'is reached from elsewhere, and anybody could be anybody: set up auth (jwt, apiKeys or proxy), or write auth: { allowAnonymous: true } if that is wanted';
    const place = flags['host'] ? '--host' : env['HOST'] ? 'HOST' : null;
    problems.push(place === null ? file.problem(['server', 'host'], message) : problemAt(place, message));
  }
  const isServed = (name: string) => file.appNames.length === 0 || file.appNames.includes(name);
  for (const [place, { apps }] of auth.apiKeys.entries()) {
    if (apps?.every(isServed) ?? true) continue;
    const message = `there is an app among them that is not served here: write some of ${file.appNames.join(', ')}`;
    problems.push(file.problem(['auth', 'apiKeys', String(place), 'apps'], message));
  }
  return problems;
}

/** With a place for all that was not written. */
export function authOf({ jwt, apiKeys, proxy, allowAnonymous }: Auth): AuthConfig {
  return {
    jwt: jwt.map(({ jwksUrl, publicKey, secret, appsClaim, ...one }) => ({
      ...one,
      jwksUrl,
      publicKey,
      secret,
      appsClaim,
    })),
    apiKeys: apiKeys.map(({ apps, ...key }) => ({ ...key, apps })),
    proxy: proxy && { ...proxy, scopesHeader: proxy.scopesHeader },
    allowAnonymous,
  };
}

function isThisMachine(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}
