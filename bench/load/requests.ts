import { Pool } from 'undici';
import { quantiles, type Quantiles } from './group.ts';

export interface Requests {
  readonly url: string;
  readonly body: string | null;
  readonly clients: number;
  readonly requests: number;
  /** What a good answer has in it. */
  readonly expected: string;
}

export interface Requested {
  readonly perSecond: number;
  readonly ms: Quantiles;
}

/** So many clients, each with one request after another. Throws at the first answer that is not good. */
export async function request({ url, body, clients, requests, expected }: Requests): Promise<Requested> {
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, { connections: clients });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer app-bench', 'x-user': 'bench' };
  const waits: number[] = [];
  let left = requests;
  async function one(): Promise<void> {
    const start = performance.now();
    const answer = await pool.request({
      path: pathname + search,
      method: body === null ? 'GET' : 'POST',
      headers,
      body,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200 || !text.includes(expected))
      throw new Error(`${url} answered ${answer.statusCode}: ${text.slice(0, 300)}`);
    waits.push(performance.now() - start);
  }
  const start = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) await one();
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  await pool.close();
  return { perSecond: requests / seconds, ms: quantiles(waits) };
}
