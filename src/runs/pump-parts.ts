import type { Logger } from 'pino';
import type { DifyApp } from '../dify/dify-app.ts';
import type { Graces } from './ending.ts';
import type { RunLog } from './run-log.ts';
import type { RunHeader, RunState } from './run-state.ts';
import type { AddressMaker } from './text-files.ts';
import type { Turn } from './turn.ts';

/** Whose run a pump writes, and with what. */
export interface PumpParts {
  readonly header: RunHeader;
  readonly app: DifyApp;
  readonly log: RunLog;
  readonly logger: Logger;
  /** When Dify may be asked. */
  readonly turn: Turn;
  /** Whether the app is known, by now, to speak by itself. */
  readonly speaks: () => boolean;
  /** Default: files that are named in texts cannot be read. */
  readonly address?: AddressMaker;
  /** What another process has written of this run: it is gone, or has handed it over. */
  readonly from?: Readonly<RunState>;
}

/** How long a run's writer waits for whom. */
export interface PumpOptions {
  /** The longest a run may take, in ms. Default 1,500,000: above Dify's own limit of 1,200 s. */
  readonly runMs?: number;
  /** How long Dify may take to end a run it was asked to stop, in ms. Default 5,000. */
  readonly stopMs?: number;
  /** How long a stream may stay open after its end before its socket is closed, in ms. Default 2,000. */
  readonly lingerMs?: number;
  /** How long the stream of a stopped run is read for the name of its task, which Dify stops it by, in ms. Default 30,000. */
  readonly namelessMs?: number;
  /** How often Dify is asked whether a paused run goes on, in ms. Default 10,000. */
  readonly pollMs?: number;
  /** How long a run is looked for whose stream was lost, in ms. Default 30,000. */
  readonly settleMs?: number;
  /** How long nothing but pings may come before Dify's records are asked, in ms. Default 20,000. */
  readonly quietMs?: number;
  /** Pass on what goes into nodes and comes out of them. Default false: it can hold prompts and secrets. */
  readonly nodeData?: boolean;
  readonly graces?: Graces;
}

export type PumpTimes = Required<Omit<PumpOptions, 'graces' | 'nodeData'>>;

export function pumpTimes(options: PumpOptions): PumpTimes {
  return {
    runMs: 1_500_000,
    stopMs: 5_000,
    lingerMs: 2_000,
    namelessMs: 30_000,
    pollMs: 10_000,
    settleMs: 30_000,
    quietMs: 20_000,
    ...options,
  };
}
