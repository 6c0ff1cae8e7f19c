/** Timers take no more than this, in ms. */
const MOST_MS = 2_147_483_647;

/** Calls at a time in epoch milliseconds, however far away it is. Returns what gives it up. Keeps no process alive. */
export function at(time: number, call: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = () => {
    const left = time - Date.now();
    timer = left > MOST_MS ? setTimeout(wait, MOST_MS) : setTimeout(call, Math.max(left, 0));
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}
