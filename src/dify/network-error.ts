import { GatewayError } from '../errors.ts';
import { NotHttp } from './http-reader.ts';

/** What fails before there is a reply. Only name, code and message are kept as cause: no headers, no sockets. */
export function errorFromNetwork(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = codeOf(error);
  const cause = plain(error, code);
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new GatewayError('UPSTREAM_TIMEOUT', 'Dify was asked and did not begin to answer in time', { cause });
  }
  if (error instanceof NotHttp || cause.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new GatewayError('UPSTREAM_PROTOCOL', 'What answers at the base URL does not speak HTTP as it should', {
      cause,
    });
  }
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') {
    return new GatewayError('UPSTREAM_UNREACHABLE', 'Dify closed the connection without an answer', { cause });
  }
  return new GatewayError('UPSTREAM_UNREACHABLE', 'Dify could not be reached', { cause });
}

/** No connection was made in time. */
export function unconnected(): Error {
  return coded('No connection was made in time', 'UND_ERR_CONNECT_TIMEOUT');
}

/** The connection was made, and no headers came in time. */
export function unanswered(): Error {
  return coded('No headers came in time', 'UND_ERR_HEADERS_TIMEOUT');
}

/** The other side has closed the connection before its reply was whole. */
export function closed(): Error {
  return coded('The other side has closed the connection', 'UND_ERR_SOCKET');
}

/** In undici's words, as those of the connections that it keeps. */
function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A stream that broke off after its headers. */
export function interrupted(error: unknown): GatewayError {
  return new GatewayError('STREAM_INTERRUPTED', 'The stream from Dify broke off before its end', {
    cause: plain(error, codeOf(error)),
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function plain(error: unknown, code: string): Error {
  if (!(error instanceof Error)) return new Error('unknown');
  const several = error instanceof AggregateError ? error.errors.map(String).join('; ') : '';
  return Object.assign(new Error(error.message || several), { name: error.name, ...(code === '' ? {} : { code }) });
}
