/** Waits until `over` has settled, `ms` have passed or `signal` is aborted, and leaves nothing behind but its hold on `over`. */
export function elapsed(ms: number, over: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    if (signal?.aborted) return done();
    signal?.addEventListener('abort', done);
    over.then(done, done);
  });
}
