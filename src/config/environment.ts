import { type ConfigProblem, problemAt } from './problem.ts';
import { check, type defaults, schemas } from './shape.ts';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface Setting {
  /** Where it was written: `--port` or `PORT`. */
  readonly source: string;
  readonly value: string | undefined;
}

type Server = NonNullable<ReturnType<typeof check<typeof schemas.server>>['value']>;

/** `server` of the file, overridden by the environment, overridden by the command line. Empty counts as not given. */
export function overrideServer(
  server: Server,
  flags: Readonly<Record<string, string | undefined>>,
  env: Environment,
): { readonly value: Server; readonly problems: readonly ConfigProblem[] } {
  const flag = (name: string): Setting => ({ source: `--${name}`, value: flags[name] });
  const variable = (name: string): Setting => ({ source: name, value: env[name] });
  const settings = Object.entries({
    port: [flag('port'), variable('PORT')],
    host: [flag('host'), variable('HOST')],
    logLevel: [variable('LOG_LEVEL')],
  }).flatMap(([field, settings]) => {
    const setting = settings.find(({ value }) => value);
    return setting ? [{ field, ...setting }] : [];
  });

  const overrides = Object.fromEntries(settings.map(({ field, value }) => [field, value]));
  const { value, findings } = check(schemas.server, { ...server, ...overrides });
  const sourceOf = (field: string | undefined) => settings.find((setting) => setting.field === field)?.source ?? '';
  return {
    value: value ?? server,
    problems: findings.map(({ path, message }) => problemAt(sourceOf(path[0]), message)),
  };
}

/** The one app that `DIFY_API_KEY` asks for, if it is set and not empty. */
export function readSingleApp(env: Environment) {
  const key = env['DIFY_API_KEY'];
  if (!key) return undefined;
  const name = env['DIFY_APP_NAME'] || 'default';
  const app = check(schemas.app, { key, baseUrl: env['DIFY_BASE_URL'] || 'https://api.dify.ai/v1' });
  const problems = [
    ...check(schemas.appName, name).findings.map(({ message }) => problemAt('DIFY_APP_NAME', message)),
    ...app.findings.map(({ path, message }) =>
      problemAt(path[0] === 'key' ? 'DIFY_API_KEY' : 'DIFY_BASE_URL', message),
    ),
  ];
  return { name, settings: app.value, problems };
}

/** `redis` of the file, if it or `REDIS_URL` says where. */
export function readRedis(redis: (typeof defaults)['redis'], env: Environment) {
  const given = env['REDIS_URL'];
  const { findings } = given ? check(schemas.redisUrl, given) : { findings: [] };
  const problems = findings.map(({ message }) => problemAt('REDIS_URL', message));
  const url = given || redis.url;
  return { value: url === undefined ? undefined : { ...redis, url }, problems };
}
