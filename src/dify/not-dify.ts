import { GatewayError } from '../errors.ts';

/** A success whose body cannot be Dify's. */
export function notDify(operation: string): never {
  throw new GatewayError('UPSTREAM_PROTOCOL', `What answers at the base URL does not answer ${operation} as Dify does`);
}
