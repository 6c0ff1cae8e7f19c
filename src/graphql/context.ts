import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { Dify } from '../dify/dify.ts';
import type { DifyApp } from '../dify/dify-app.ts';
import { OwnRuns, type Reach } from '../runs/own-runs.ts';
import type { RunTokens } from '../runs/run-tokens.ts';
import type { Runs } from '../runs/runs.ts';
import type { Speeches } from '../runs/speeches.ts';
import type { Uploads } from '../runs/uploads.ts';
import type { UserFiles } from '../runs/user-files.ts';

/** One app as the operator describes it. */
export interface ServedApp {
  readonly name: string;
  readonly description: string | undefined;
}

/** What is the same for every operation. */
export interface Services {
  readonly dify: Dify;
  readonly runs: Runs;
  readonly uploads: Uploads;
  readonly files: UserFiles;
  readonly speeches: Speeches;
  readonly runTokens: RunTokens;
  /** What comes before the paths of this server in URLs: empty where its public address is not known. */
  readonly urlBase: string;
  readonly logger: Logger;
  /** In configured order. */
  readonly apps: readonly ServedApp[];
  /** Meant where no app is named. */
  readonly defaultApp: string;
}

/** Who asks, as each door tells. */
interface Visit extends Reach {
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
}

/** What every resolver gets: who asks, and the services as far as they may use them. */
export interface Context extends Omit<Services, 'dify' | 'runs'> {
  readonly dify: Pick<Dify, 'app'>;
  readonly runs: OwnRuns;
  /** The end user that the credentials name: the `user` of every call to Dify, and the owner of every run. */
  readonly viewer: string;
  /** What the viewer may do besides: `admin`. */
  readonly scopes: readonly string[];
  /** The run that a run token shows, and nothing else; null: it is no such token. */
  readonly onlyRun: string | null;
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal;
}

/** The services within reach: an app that the viewer may not use is not there. */
export function contextFor(services: Services, visit: Visit): Context {
  const { viewer, scopes, onlyApps, onlyRun, signal } = visit;
  const mayUse = (name: string) => onlyApps?.includes(name) ?? true;
  const within = services.apps.filter(({ name }) => mayUse(name));
  return {
    ...services,
    apps: within,
    defaultApp: mayUse(services.defaultApp) ? services.defaultApp : (within[0]?.name ?? ''),
    dify: { app: (name) => (mayUse(name) ? services.dify.app(name) : undefined) },
    runs: new OwnRuns(services.runs, visit),
    viewer,
    scopes,
    onlyRun,
    signal,
  };
}

/** The app of that name, or the default one. */
export function appNamed(
  context: Context,
  name: string | null | undefined,
): { readonly served: ServedApp; readonly dify: DifyApp } {
  const wanted = name ?? context.defaultApp;
  const served = context.apps.find((app) => app.name === wanted);
  const dify = context.dify.app(wanted);
  if (served && dify) return { served, dify };
  const names = context.apps.map((app) => app.name).join(', ');
  throw new GatewayError('APP_NOT_FOUND', `No app named “${wanted}” is served here. There are: ${names}.`);
}

/** For what belongs to an app rather than to a user. */
export function requireAdmin({ scopes }: Context): void {
  if (!scopes.includes('admin')) throw new GatewayError('FORBIDDEN', 'This needs the scope `admin`.');
}
