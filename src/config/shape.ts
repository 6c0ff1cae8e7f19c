import { z } from 'zod';
import { address, baseUrl, origin } from './addresses.ts';
import { apiKey, auth, jwtIssuer, proxy } from './auth.ts';
import { limitNames, limits } from './limits.ts';
import { nearest } from './nearest.ts';
import { decimal, longestMs, milliseconds, optional, secret, section, truth, whole } from './values.ts';
import type { Finding } from './yaml-file.ts';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const key = z
  .string({
    error: ({ input }) =>
      input == null
        ? 'is missing: write the app’s API key, or ${NAME} for an environment variable that holds it'
        : 'is not a text: put it in quotes',
  })
  .min(1, 'is empty: write the app’s API key')
  .regex(/^[!-~]*$/, 'has white space or letters beyond ASCII in it: write the key alone')
  .refine(
    (text) => !text.startsWith('dataset-'),
    'is a knowledge key: write the key of an app, which starts with app-',
  );

const appName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'app names start with a letter and have up to 64 letters, digits, _ and -');

/** Whether an app can have this name. */
export function isAppName(name: string): boolean {
  return appName.safeParse(name).success;
}

const server = {
  host: optional(
    z.string('write an address, such as 0.0.0.0').regex(/^\S+$/, 'write an address, such as 0.0.0.0'),
    '127.0.0.1',
  ),
  port: whole(8000, 0, 65_535),
  graphiql: truth(true),
  logLevel: optional(z.enum(logLevels, `write one of ${logLevels.join(', ')}`), 'info'),
  drainMs: milliseconds(10_000, 0),
  admins: optional(z.array(z.string('write names in quotes'), 'write a list of users: [ann, bob]'), []),
  logContent: truth(false),
  cors: optional(z.array(origin, 'write a list of origins: [https://app.example.com]'), []),
  publicUrl: optional(address('https://chat.example.com').optional()),
  secret: optional(secret.optional()),
  maxUploadMegabytes: whole(25, 1, 1_024),
  fileUrlMinutes: whole(60, 1, 10_080),
  metricsPort: optional(whole(0, 0, 65_535).optional()),
};
const timeouts = {
  connectMs: milliseconds(10_000),
  headersMs: milliseconds(60_000),
  idleMs: milliseconds(35_000),
  runMs: milliseconds(1_500_000),
};
const app = {
  description: optional(z.string('is not a text: put it in quotes').optional()),
  baseUrl,
  filesUrl: optional(address('https://files.example.com').optional()),
  key,
  nodeData: truth(false),
  checkInputs: truth(true),
  maxRuns: whole(0, 0, 100_000),
  maxQueued: whole(100, 0, 100_000),
  queueMs: milliseconds(300_000),
  maxReads: whole(0, 0, 100_000),
  timeouts: section(timeouts),
};
const runs = {
  keepMinutes: whole(60, 1, Math.floor(longestMs / 60_000)),
  keepMegabytes: whole(256, 1, 1_048_576),
  keepCount: whole(10_000, 1, 10_000_000),
  abandonMs: milliseconds(15_000),
};
/** May hold a password: it is never quoted. */
const redisUrl = z
  .string('write a text, such as redis://127.0.0.1:6379')
  .refine(
    (text) => URL.canParse(text) && /^rediss?:\/\//.test(text),
    'write a URL that starts with redis:// or rediss://',
  );
const redis = {
  url: optional(redisUrl.optional()),
  prefix: optional(z.string('is not a text: put it in quotes'), 'dify-graphql:'),
  durability: optional(z.enum(['relaxed', 'strict'], 'write relaxed or strict'), 'relaxed'),
  leaseMs: milliseconds(5_000, 500),
};
const sandbox = {
  pace: decimal(1, 0, 1000),
  port: whole(0, 0, 65_535),
  version: optional(z.string('write a version of Dify, such as "1.12.1"').optional()),
  recordings: optional(z.string('write the path of a folder').optional()),
};
const file = {
  server: section(server),
  auth: section(auth),
  defaultApp: optional(z.string('write the name of one of the apps').optional()),
  apps: optional(z.record(appName, section(app), 'write each app as `name:`, with its settings indented below it'), {}),
  runs: section(runs),
  limits: section(limits),
  redis: section(redis),
  sandbox: section(sandbox),
};

/** What may be written where; defaults are filled in. */
export const schemas = { file: section(file), server: section(server), app: section(app), redisUrl, appName };

/** A file that says nothing. */
export const defaults = schemas.file.parse({});

/** What can be told of a file with mistakes: which apps it has and which one it prefers. */
export const outline = z
  .object({ apps: z.record(z.string(), z.unknown()).catch({}), defaultApp: z.string().optional().catch(undefined) })
  .catch({ apps: {}, defaultApp: undefined });

const names: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(file),
  server: Object.keys(server),
  auth: Object.keys(auth),
  'auth.jwt.*': Object.keys(jwtIssuer),
  'auth.apiKeys.*': Object.keys(apiKey),
  'auth.proxy': Object.keys(proxy),
  'apps.*': Object.keys(app),
  'apps.*.timeouts': Object.keys(timeouts),
  runs: Object.keys(runs),
  ...limitNames,
  redis: Object.keys(redis),
  sandbox: Object.keys(sandbox),
};

/** The parsed value, or what is wrong with it and where. A name is quoted only if it is nearly one of ours. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown) {
  const result = schema.safeParse(value);
  const findings = result.error?.issues.flatMap((issue): Finding[] => {
    const path = issue.path.map(String);
    if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? issue.message }];
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    const known = namesUnder(path);
    return issue.keys.map((name) => ({ path: [...path, name], message: unknownName(name, known) }));
  });
  return { value: result.data, findings: findings ?? [] };
}

function unknownName(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant ? `unknown key "${name}": did you mean ${meant}?` : `unknown key: write one of ${known.join(', ')}`;
}

/** A path as text, up to the first name that is neither an app's nor nearly one of ours: it may be a key. */
export function pathText(path: readonly string[]): string {
  const isTheirs = (name: string, depth: number) => {
    if (depth === 1 && path[0] === 'apps') return !isAppName(name);
    if (isPlace(name)) return namesUnder(path.slice(0, depth + 1)).length === 0;
    return !nearest(name, namesUnder(path.slice(0, depth)));
  };
  const end = path.findIndex(isTheirs);
  return path.slice(0, end === -1 ? undefined : end).join('.');
}

function namesUnder(path: readonly string[]): readonly string[] {
  const isAny = (name: string, depth: number) => (depth === 1 && path[0] === 'apps') || isPlace(name);
  return names[path.map((name, depth) => (isAny(name, depth) ? '*' : name)).join('.')] ?? [];
}

/** In a list. */
function isPlace(name: string): boolean {
  return /^\d+$/.test(name);
}
