import type { Rate } from './rates.ts';

/** What users may ask for. */
export interface RunAllowance {
  /** Runs of one user that go on at once, or wait for their turn; 0 for as many as they like. */
  readonly runsAtOnce: number;
  readonly quota: RunQuota;
}

/** How many runs begin within a minute. A question that finds its run again begins none, nor does one that is refused. */
export class RunQuota {
  readonly #ofUser: Rate | null;
  readonly #ofApp: Rate | null;

  constructor(ofUser: Rate | null, ofApp: Rate | null) {
    this.#ofUser = ofUser;
    this.#ofApp = ofApp;
  }

  /** Claims a run, unless that is one too many. */
  async spend<T extends { readonly first: boolean }>(viewer: string, app: string, claim: () => Promise<T>): Promise<T> {
    await this.#ofUser?.take(viewer);
    let isNew = false;
    try {
      await this.#ofApp?.take(app);
      try {
        const claimed = await claim();
        isNew = claimed.first;
        return claimed;
      } finally {
        if (!isNew) await this.#ofApp?.giveBack(app);
      }
    } finally {
      if (!isNew) await this.#ofUser?.giveBack(viewer);
    }
  }
}
