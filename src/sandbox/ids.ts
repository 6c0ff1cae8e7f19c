import { createHash } from 'node:crypto';

/** A UUID that is always the same for the same name: apps, their workflows, end users and documents have such ids. */
export function fixedId(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

export const isUuid = (text: string) => uuid.test(text);

/** The row that stands for one `user` of one app. */
export interface EndUser {
  readonly id: string;
  /** The `user` string of the requests. */
  readonly session: string;
}

/** A user's row is made up when it is needed: the same name, the same row. */
export const endUser = (app: string, session: string): EndUser => ({ id: fixedId(`user/${app}/${session}`), session });
