import { endUser, type EndUser } from './ids.ts';

const kept = 10_000;

/** Who a request without a user speaks for (§6.1). */
export const nobody = 'DEFAULT-USER';

/** A user of one app, and when it was first seen, in microseconds. */
export interface SeenUser extends EndUser {
  readonly app: string;
  readonly createdAt: number;
}

/** The users of all apps that have been heard of; the first ones are dropped. */
export class Users {
  readonly #users = new Map<string, SeenUser>();

  /** Notes that somebody was there. */
  see(app: string, session: string, now: number): void {
    const user = endUser(app, session);
    if (this.#users.has(user.id)) return;
    this.#users.set(user.id, { ...user, app, createdAt: now });
    if (this.#users.size > kept) this.#users.delete(this.#users.keys().next().value ?? '');
  }

  find(app: string, id: string): SeenUser | undefined {
    const user = this.#users.get(id.toLowerCase());
    return user?.app === app ? user : undefined;
  }
}
