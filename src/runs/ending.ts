import { errorFromEvent } from '../dify/error-reply.ts';
import type { StreamEnd } from '../dify/stream.ts';
import type { WireEvent, WorkflowFinishedEvent } from '../dify/wire-event.ts';
import { GatewayError } from '../errors.ts';
import type { EndStatus, RunError, SettledBy } from './run-event.ts';
import type { RunKind } from './run-state.ts';

/** How a run ended. */
export interface Outcome {
  readonly status: EndStatus;
  readonly error: RunError | null;
  /** How it was learnt. Default: from the stream. */
  readonly by?: SettledBy;
}

/** How long something may still follow, in ms, when the end is known but the stream is not over (§2.6 b, f, g, h). */
export interface Graces {
  readonly messageEnd: number;
  readonly workflowEnd: number;
  readonly audio: number;
  readonly trailing: number;
}
export const defaultGraces: Graces = { messageEnd: 5_000, workflowEnd: 3_000, audio: 10_000, trailing: 1_000 };

const succeeded: Outcome = { status: 'SUCCEEDED', error: null };
const stopped: Outcome = { status: 'STOPPED', error: null };

/**
 * Decides when a stream is over and how the run ended: the table of §2.6. Dify's versions differ in what comes last, connections
 * stay open after the end, and a stopped answer looks like a whole one, so neither EOF nor any single event is the end.
 */
export class Ending {
  /** Set once nothing that follows can matter. */
  final: Outcome | null = null;
  /** Set when the outcome is known but more may follow within `graceMs` of the last event. */
  graceMs: number | null = null;
  /** Dify waits for a person: the stream is over, the run is not. */
  paused = false;
  /** The gateway has asked Dify to stop: from then on an end without a marker means stopped. */
  stopAsked = false;
  #tentative: Outcome | null = null;
  #graph = false;
  #messageEnded = false;
  #workflowEnded = false;
  #breaks = false;
  #audio: 'none' | 'playing' | 'over' = 'none';
  readonly #kind: RunKind;
  /** Whether the app is known to speak by itself, so that audio may still follow. */
  readonly #speaks: () => boolean;
  readonly #graces: Graces;

  constructor(kind: RunKind, speaks: () => boolean, graces: Graces = defaultGraces) {
    this.#kind = kind;
    this.#speaks = speaks;
    this.#graces = graces;
  }

  /** A stream that ends now ends without its end being known. */
  get isLost(): boolean {
    return this.final === null && this.#tentative === null && !this.stopAsked;
  }

  /** The run goes on after a pause. `breaks`: this version of Dify then stops workflows that nobody stopped (§8.3). */
  goOn(breaks: boolean): void {
    this.paused = false;
    this.#breaks = breaks && this.#kind === 'WORKFLOW';
  }

  /** Sees these up to the one that nothing can follow; returns them up to there. */
  seeAll(wire: readonly WireEvent[]): readonly WireEvent[] {
    let seen = 0;
    for (const event of wire) {
      this.see(event);
      seen += 1;
      if (this.final !== null) return wire.slice(0, seen);
    }
    return wire;
  }

  see(wire: WireEvent): void {
    switch (wire.event) {
      case 'error':
        // After a failed or stopped `workflow_finished` it only repeats it (≤ 1.12).
        this.final = this.#tentative?.status.endsWith('SUCCEEDED') ? null : this.#tentative;
        this.final ??= failed(errorFromEvent(wire));
        return;
      case 'message_end':
        this.#messageEnded = true;
        this.#tentative ??= this.stopAsked ? stopped : succeeded;
        return this.#weigh();
      case 'workflow_finished':
        this.#graph = true;
        this.#workflowEnded = true;
        this.#tentative = this.judge(wire);
        return this.#weigh();
      case 'workflow_paused':
        this.paused = true;
        return;
      case 'tts_message':
        this.#audio = 'playing';
        return;
      case 'tts_message_end':
        this.#audio = 'over';
        if (this.#tentative) this.#weigh();
        return;
      case 'workflow_started':
      case 'node_started':
        this.#graph = true;
        return;
      default:
        return;
    }
  }

  /** The stream said nothing more within the grace. */
  settle(): void {
    this.final ??= this.#tentative;
  }

  /** The stream is over. */
  close(end: StreamEnd): Outcome {
    this.settle();
    if (this.final === null && this.stopAsked) this.final = stopped;
    const why =
      end.by === 'failed'
        ? end.error
        : new GatewayError('STREAM_INTERRUPTED', 'The stream from Dify ended before the answer did.');
    return (this.final ??= failed(why));
  }

  #weigh(): void {
    const { messageEnd, workflowEnd, audio, trailing } = this.#graces;
    const well = this.#tentative?.status === 'SUCCEEDED' || this.#tentative?.status === 'PARTIAL_SUCCEEDED';
    if (well && (this.#audio === 'playing' || (this.#audio === 'none' && this.#speaks()))) this.graceMs = audio;
    else if (this.#kind === 'WORKFLOW' || !this.#graph) this.final = this.#tentative;
    else if (this.#messageEnded && this.#workflowEnded) this.final = this.#tentative;
    else if (this.#messageEnded) this.graceMs = workflowEnd;
    else this.graceMs = well ? messageEnd : trailing;
  }

  /** The outcome by Dify's records. Of a graph they tell a stop; a message that was stopped looks like a whole one. */
  byRecord(outcome: Outcome, isGraph: boolean): Outcome {
    const isStopped = this.stopAsked && !isGraph && outcome.status === 'SUCCEEDED';
    return isStopped ? { ...outcome, status: 'STOPPED' } : outcome;
  }

  /** What an ended graph says of itself, in its stream or in its record. §8.1: 1.9–1.14 may call a stopped run failed. */
  judge(wire: Pick<WorkflowFinishedEvent, 'status' | 'error'>): Outcome {
    const aborted = /^(Run failed: )?Aborted|Stopped by user/.test(wire.error ?? '');
    if (this.#breaks && wire.status === 'stopped' && !this.stopAsked) {
      const message = 'This version of Dify stops a workflow that goes on after a form was answered; 1.16.2 does not.';
      return failed(new GatewayError('UPSTREAM_ERROR', message));
    }
    if (wire.status === 'stopped' || (wire.status === 'failed' && aborted)) return stopped;
    if (wire.status === 'succeeded') return succeeded;
    if (wire.status === 'partial-succeeded') return { status: 'PARTIAL_SUCCEEDED', error: null };
    return failed(new GatewayError('UPSTREAM_ERROR', wire.error || 'The workflow failed.'));
  }
}

/** The outcome of a run that an error ended. */
export function failed(error: GatewayError): Outcome {
  const { code, message, retryable } = error;
  const retryAfterMs = error.retryAfterMs ?? null;
  return {
    status: 'FAILED',
    error: {
      code,
      message,
      retryable,
      retryAfterMs,
      difyCode: error.difyCode ?? null,
      difyStatus: error.difyStatus ?? null,
      nodeId: null,
    },
  };
}
