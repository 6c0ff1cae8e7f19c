import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';

/** Stands where a secret was. */
const HIDDEN = '[hidden]';

/** JSON lines on stderr, or where else they are wanted. */
export function openLogger(config: Config, destination: DestinationStream = pino.destination(2)): Logger {
  const hide = hider(config);
  return pino({ level: config.server.logLevel, hooks: { streamWrite: hide } }, destination);
}

/**
 * What may be in the log, whoever writes there: of errors, what they are and where they come from, but nothing that hangs on them
 * (Redis hangs the command on its own, with what was to be written, or the password); of what was asked and answered nothing,
 * unless `server.logContent` says so: also Dify’s messages can quote it.
 */
export function guarded(logger: Logger, config: Config): Logger {
  const { logContent } = config.server;
  const hide = hider(config);
  const told = (error: unknown): unknown => (error instanceof Error ? ofError(error, logContent, hide) : error);
  const ofRun = (error: { readonly message?: string } | null) =>
    error instanceof Error || error === null || logContent ? told(error) : { ...error, message: undefined };
  const content = (value: unknown) => (logContent ? value : undefined);
  return logger.child({}, { serializers: { err: told, error: ofRun, content } });
}

/** Deep enough for what led to what. */
const CAUSES = 4;

function ofError(error: Error, withContent: boolean, hide: (text: string) => string, causes = CAUSES): object {
  const { name, cause } = error;
  const message = withContent ? error.message : withoutContent(error);
  const frames = /^\s+at [^]*/m.exec(error.stack ?? '')?.[0] ?? '';
  const facts = ['code', 'difyCode', 'difyStatus', 'syscall', 'address', 'port'] as const;
  const known = facts.flatMap((fact) => {
    const value = (error as unknown as Record<string, unknown>)[fact];
    return typeof value === 'string' || typeof value === 'number' ? [[fact, value] as const] : [];
  });
  return {
    type: error.constructor.name === 'Error' ? name : error.constructor.name,
    message: hide(message),
    stack: hide(`${name}: ${message}\n${frames}`),
    ...Object.fromEntries(known),
    ...(cause instanceof Error && causes > 0 ? { cause: ofError(cause, withContent, hide, causes - 1) } : {}),
  };
}

/** Dify’s messages may quote what it was sent, and those of parsers what they read. */
function withoutContent(error: Error): string {
  if (error instanceof GatewayError && (error.difyStatus ?? error.difyCode) !== undefined) return error.code;
  if (error instanceof SyntaxError) return 'it could not be parsed';
  return error.message.replace(/(cannot represent [^:]*): [^]*/, '$1');
}

/** Replaces every secret of the configuration. The last line of defence: nothing that logs has one. */
function hider(config: Config): (text: string) => string {
  const secrets = [...new Set(secretsIn(config).flatMap((one) => [one, encodeURIComponent(one), escaped(one)]))];
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
}

/** As it stands in JSON. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Shorter ones would be found in what is none. */
const SHORTEST = 6;

function secretsIn(value: unknown, name = ''): readonly string[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([inner, one]) => secretsIn(one, Array.isArray(value) ? name : inner));
  if (typeof value !== 'string') return [];
  const password = name === 'url' ? (URL.parse(value)?.password ?? '') : '';
  const own = /^(key|secret|password)$/.test(name) ? value : '';
  return [own, password, decoded(password)].filter(({ length }) => length >= SHORTEST);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
