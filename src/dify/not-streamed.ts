import { GatewayError } from '../errors.ts';
import { id, isJson, json, text } from './coerce.ts';
import { oneLine } from './error-text.ts';
import { parseJson } from './json.ts';

/**
 * What it means that a question, which always asks for a stream, was answered without one. Something in between may have turned
 * it into a blocking one (§4): then the reply may tell of a failure, which is kept, or of a pause, which cannot be followed.
 */
export function notStreamed(type: string, body: string, difyStatus: number): GatewayError {
  const reply = json(parseJson(body));
  const data = json(reply['data']);
  const status = id(data['status']);
  const error = oneLine(text(data['error']));
  if (status === 'failed' && error !== '') return new GatewayError('UPSTREAM_ERROR', error, { difyStatus });
  const isWhole = typeof reply['answer'] === 'string' || isJson(data['outputs']);
  const what =
    reply['event'] === 'workflow_paused' || status === 'paused'
      ? 'only that the run waits for a person'
      : isWhole
        ? `a whole answer (${type})`
        : type || 'no type';
  const message = `What answers at the base URL sends not an event stream but ${what}`;
  return new GatewayError('UPSTREAM_PROTOCOL', message, { difyStatus });
}
