/** Now, in microseconds since the epoch: the resolution PostgreSQL gives Dify's rows. */
export type Clock = () => number;

/** Real time; it never goes back while the process lives. */
export const systemClock: Clock = () => Math.floor((performance.timeOrigin + performance.now()) * 1000);

/** Whole seconds, as Dify sends times. */
export const seconds = (microseconds: number) => Math.floor(microseconds / 1e6);

/** A duration in seconds, with microseconds, as `elapsed_time` has it. */
export const elapsed = (from: number, to: number) => Math.max(0, to - from) / 1e6;

/** A time as Dify writes those that are not numbers: UTC without saying so, whole seconds. */
export const dateTime = (microseconds: number) => new Date(microseconds / 1000).toISOString().slice(0, 19);
