import type { KeptRun, RunLog } from './run-log.ts';

/**
 * Asks for a stop once nobody has been attached to the run for `abandonMs`, wherever they were: long enough for clients that
 * connect again. It looks ten times in that time, and at least once a second; who comes and goes in between is not seen. While the
 * run waits for people the clock stands still, for they may come back tomorrow. Returns what ends it.
 */
export function stopWhenAbandoned(run: KeptRun, log: RunLog, abandonMs: number): () => void {
  let seen = Date.now();
  function look(): void {
    const { state, watchers } = run;
    const counts = state.status === 'RUNNING' || state.status === 'QUEUED';
    if (watchers > 0 || !counts) seen = Date.now();
    if (Date.now() - seen < abandonMs) return;
    seen = Date.now();
    // If the store cannot be reached, it is asked again after another such time.
    stop().catch(() => {});
  }
  async function stop(): Promise<void> {
    await log.markStopping(run.state.header);
  }
  const timer = setInterval(look, Math.max(10, Math.min(1_000, abandonMs / 10))).unref();
  return () => clearInterval(timer);
}
