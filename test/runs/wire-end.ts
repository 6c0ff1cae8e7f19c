import { inner, name, number, string, type Frame } from './wire-frames.ts';

export interface ToldEnd {
  readonly status: string;
  readonly error: ToldError | null;
  /** How many frames there are until nothing that follows can matter. */
  readonly frames: number;
}

export interface ToldError {
  readonly code: string;
  readonly difyCode: string | null;
  readonly difyStatus: number | null;
}

/** What the frames cannot tell. */
export interface Circumstances {
  readonly kind: 'CHAT' | 'COMPLETION' | 'WORKFLOW';
  /** From which frame on a stop had been asked for. */
  readonly stopAskedAt?: number;
}

const error = (code: string, frame: Frame = {}): ToldError => ({
  code,
  difyCode: string(frame['code']),
  difyStatus: number(frame['status']),
});

/** The table of §2.6: when a stream is over, and how the run ended. After these frames it breaks off. */
export function endOf(frames: readonly Frame[], { kind, stopAskedAt = Infinity }: Circumstances): ToldEnd {
  let known: Omit<ToldEnd, 'frames'> | null = null;
  const seen = { graph: false, messageEnd: false, workflowEnd: false, audio: false };
  for (const [at, frame] of frames.entries()) {
    const event = name(frame);
    if (event === 'workflow_started' || event === 'node_started') seen.graph = true;
    if (event === 'tts_message') seen.audio = true;
    if (event === 'tts_message_end') seen.audio = false;
    if (event === 'workflow_paused') return { status: 'FAILED', error: error('UPSTREAM_REJECTED'), frames: at + 1 };
    // A failed `workflow_finished` is only repeated by it.
    if (event === 'error') return { ...(known ?? { status: 'FAILED', error: ofError(frame) }), frames: at + 1 };
    if (event === 'message_end') {
      seen.messageEnd = true;
      known ??= { status: at >= stopAskedAt ? 'STOPPED' : 'SUCCEEDED', error: null };
    }
    if (event === 'workflow_finished') {
      seen.workflowEnd = true;
      known = ofWorkflow(inner(frame));
    }
    const family = kind === 'WORKFLOW' || !(seen.graph || seen.workflowEnd) ? 'one end' : 'two ends';
    const whole = family === 'one end' || (seen.messageEnd && seen.workflowEnd);
    if (known && whole && !seen.audio) return { ...known, frames: at + 1 };
  }
  if (known) return { ...known, frames: frames.length };
  if (stopAskedAt <= frames.length) return { status: 'STOPPED', error: null, frames: frames.length };
  return { status: 'FAILED', error: error('STREAM_INTERRUPTED'), frames: frames.length };
}

function ofWorkflow(told: Frame): Omit<ToldEnd, 'frames'> {
  const said = string(told['error']) ?? '';
  const aborted =
    said.startsWith('Aborted') || said.startsWith('Run failed: Aborted') || said.includes('Stopped by user');
  switch (told['status']) {
    case 'succeeded':
      return { status: 'SUCCEEDED', error: null };
    case 'partial-succeeded':
      return { status: 'PARTIAL_SUCCEEDED', error: null };
    case 'stopped':
      return { status: 'STOPPED', error: null };
    default:
      return aborted ? { status: 'STOPPED', error: null } : { status: 'FAILED', error: error('UPSTREAM_ERROR') };
  }
}

/** The codes of §5.3 that the stream can carry; the others go by the status beside them. */
const codes: Readonly<Record<string, string>> = {
  rate_limit_error: 'UPSTREAM_RATE_LIMITED',
  provider_not_initialize: 'UPSTREAM_MISCONFIGURED',
  model_currently_not_support: 'UPSTREAM_MISCONFIGURED',
  provider_quota_exceeded: 'UPSTREAM_QUOTA_EXCEEDED',
  completion_request_error: 'UPSTREAM_ERROR',
  internal_server_error: 'UPSTREAM_ERROR',
};

function ofError(frame: Frame): ToldError {
  const code = string(frame['code']);
  if (code === null) return error('UPSTREAM_ERROR', frame);
  const status = number(frame['status']) ?? 500;
  return error(codes[code] ?? (status < 500 ? 'UPSTREAM_REJECTED' : 'UPSTREAM_ERROR'), frame);
}
