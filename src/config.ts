import type { AuthConfig } from './config/auth-config.ts';
import { authOf, authProblems } from './config/auth-check.ts';
import { overrideServer, readRedis, readSingleApp } from './config/environment.ts';
import { readConfigFile } from './config/file.ts';
import type { LimitsConfig } from './config/limits.ts';
import { readFlags } from './config/flags.ts';
import { ConfigError, problemAt } from './config/problem.ts';

export { usage } from './config/flags.ts';
export { ConfigError, type ConfigProblem } from './config/problem.ts';

/** Everything that can be chosen from outside; the defaults stand beside the fields. Times that end in `Ms` are in ms. */
export interface Config {
  readonly server: {
    /** 127.0.0.1 */
    readonly host: string;
    /** 8000; 0 takes any free one. */
    readonly port: number;
    /** true */
    readonly graphiql: boolean;
    /** info */
    readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
    /** 10 000: how long a shutdown waits for runs and readers. */
    readonly drainMs: number;
    /** None: users that have the scope `admin`. */
    readonly admins: readonly string[];
    /** Paths, where it is not given: where clients reach this server, without a slash at its end, for the URLs in answers. */
    readonly publicUrl: string | undefined;
    /** None besides our own, in development those of this machine: origins of pages that may use this server; `*` for all. */
    readonly cors: readonly string[];
    /** false: whether questions and answers may be in the log. */
    readonly logContent: boolean;
    /** Random: what URLs of files are signed with. Processes that serve the same clients need the same. */
    readonly secret: string | undefined;
    /** 25: the largest GraphQL multipart request, which is held in memory. */
    readonly maxUploadMegabytes: number;
    /** 60: how long the URL of a file is good. */
    readonly fileUrlMinutes: number;
    /** Where Prometheus finds `/metrics`, on the same host; undefined: nowhere. */
    readonly metricsPort?: number | undefined;
  };
  /** How users prove who they are; nothing of it: whoever speaks is believed. */
  readonly auth: AuthConfig;
  /** In the order they were written. Empty: nothing is configured. */
  readonly apps: readonly AppConfig[];
  /** The name of the app that answers when none is named: the first, if nothing else is written. */
  readonly defaultApp: string | undefined;
  /** How long finished runs can be followed again, and how many at most; how long one may be alone. */
  readonly runs: {
    /** 60 */
    readonly keepMinutes: number;
    /** 256 */
    readonly keepMegabytes: number;
    /** 10 000 */
    readonly keepCount: number;
    /** 15 000: how long a run that is to be cancelled with its last reader may have none. */
    readonly abandonMs: number;
  };
  readonly limits: LimitsConfig;
  /** Where several processes keep their runs together; undefined: each in its own memory. */
  readonly redis:
    | {
        /** redis:// or rediss://; may hold a password. `REDIS_URL` overrides it. */
        readonly url: string;
        /** dify-graphql: */
        readonly prefix: string;
        /** relaxed: what is read is delivered and written at once; strict: nothing is delivered before it is written. */
        readonly durability: 'relaxed' | 'strict';
        /** 5 000: a process that is silent for so long loses its runs to another. */
        readonly leaseMs: number;
      }
    | undefined;
  /** Of the built-in stand-in for Dify, which answers while no app is configured. */
  readonly sandbox: {
    /** 1: as fast as a model writes; 0: as fast as it can. */
    readonly pace: number;
    /** 0: any free one. */
    readonly port: number;
    /** Which version of Dify it imitates: the newest. */
    readonly version: string | undefined;
    /** A folder of recorded streams for its `!replay`. */
    readonly recordings: string | undefined;
  };
  /** The absolute path of the file that was read. */
  readonly file: string | undefined;
}

export interface AppConfig {
  readonly name: string;
  readonly description: string | undefined;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** The origin of `baseUrl`: where Dify serves the files that it signs addresses for (its `FILES_URL`), without a slash at its end. */
  readonly filesUrl: string | undefined;
  /** A secret, like `server.secret`. */
  readonly key: string;
  /** false: what goes into nodes and comes out of them is shown to users, and what agents note; it can hold prompts and secrets. */
  readonly nodeData: boolean;
  /** true: inputs are checked against the app's form before Dify is asked. */
  readonly checkInputs: boolean;
  /** 0, for no limit: runs that have a connection to Dify at once; more wait for their turn. */
  readonly maxRuns: number;
  /** 100: how many may wait before the app, and before each conversation with it. */
  readonly maxQueued: number;
  /** 300 000: the longest that a run waits for its turn. */
  readonly queueMs: number;
  /** 0, for no limit: connections for reads to the app's server, which apps with the same number share; more wait for one. */
  readonly maxReads: number;
  readonly timeouts: {
    /** 10 000 */
    readonly connectMs: number;
    /** 60 000 */
    readonly headersMs: number;
    /** 35 000 without a byte; Dify pings every 10 000. */
    readonly idleMs: number;
    /** 1 500 000: above the 1 200 s after which Dify itself ends a run. */
    readonly runMs: number;
  };
}

export interface ConfigSource {
  /** The arguments after the script: `process.argv.slice(2)`. `--help` is the caller's to answer. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * Reads the command line, the environment and the file (`dify-graphql.yaml`, if there is one, or the one that is named).
 * Options override the environment, which overrides the file. Throws a `ConfigError` with every problem at once.
 */
export function loadConfig({ argv, env, cwd }: ConfigSource): Config {
  const { flags, problems: flagProblems } = readFlags(argv);
  const file = readConfigFile(cwd, env, flags.config);
  const server = overrideServer(file.settings.server, flags, env);
  // A file that takes its key from DIFY_API_KEY means the same app, not a second one.
  const single = file.variables.has('DIFY_API_KEY') ? undefined : readSingleApp(env);
  const problems = [...flagProblems, ...file.problems, ...server.problems, ...(single?.problems ?? [])];

  const redis = readRedis(file.settings.redis, env);
  problems.push(...redis.problems);

  if (single && file.appNames.length > 0) {
    const message = `is set, but ${file.name} has apps: unset it to serve those, or remove \`apps\` there to serve this one`;
    problems.push(problemAt('DIFY_API_KEY', message));
  }
  problems.push(...authProblems(file, server, flags, env));
  const names = single && file.appNames.length === 0 ? [single.name] : file.appNames;
  if (file.defaultApp !== undefined && !names.includes(file.defaultApp)) {
    const message =
      names.length > 0 ? `no app has this name: write one of ${names.join(', ')}` : 'there are no apps: remove it';
    problems.push(file.problem(['defaultApp'], message));
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const apps = single?.settings ? { [single.name]: single.settings } : file.settings.apps;
  return frozen({
    server: { ...server.value, publicUrl: server.value.publicUrl, secret: server.value.secret },
    auth: authOf(file.settings.auth),
    apps: Object.entries(apps).map(([name, app]) => ({
      ...app,
      name,
      description: app.description,
      filesUrl: app.filesUrl,
    })),
    defaultApp: file.defaultApp ?? names[0],
    runs: file.settings.runs,
    limits: { ...file.settings.limits, persistedOperations: file.settings.limits.persistedOperations },
    redis: redis.value,
    sandbox: {
      ...file.settings.sandbox,
      recordings: file.settings.sandbox.recordings,
      version: file.settings.sandbox.version,
    },
    file: file.path,
  });
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
