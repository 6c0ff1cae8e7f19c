import { setTimeout as sleep } from 'node:timers/promises';
import type { SeenEvent } from './event.ts';
import type { Ledger } from './ledger.ts';
import type { Reader } from './reader.ts';

/** `GET /runs/{id}/events`, as a bare EventSource reads it: goes on with the last id it saw. */
export async function watch(url: string, user: string, runId: string, reader: Reader, ledger: Ledger): Promise<void> {
  for (let last: string | null = null; !reader.finished; await sleep(50 + Math.random() * 200)) {
    reader.connected();
    try {
      const response: Response = await fetch(`${url}/runs/${runId}/events`, {
        headers: { 'x-user': user, ...(last === null ? {} : { 'last-event-id': last }) },
        signal: AbortSignal.timeout(60_000),
      });
      ledger.count('event sources');
      if (response.status === 204) return reader.over();
      if (!response.ok || !response.body)
        return ledger.violate(
          'an EventSource was refused',
          reader.account,
          `${response.status} ${await response.text()}`,
        );
      for await (const { id, event } of frames(response.body)) {
        reader.take(event);
        last = id;
      }
      if (!reader.finished) ledger.count('event sources that ended early');
    } catch {
      // Cut: connects again.
    }
  }
}

/** All events of an ended run, from the first, as one replica tells them; null if it does not. */
export async function readAll(url: string, user: string, runId: string): Promise<readonly SeenEvent[] | null> {
  const response = await fetch(`${url}/runs/${runId}/events?after=0`, {
    headers: { 'x-user': user },
    signal: AbortSignal.timeout(20_000),
  });
  if (response.status !== 200 || !response.body) return null;
  const events: SeenEvent[] = [];
  for await (const { event } of frames(response.body)) events.push(event);
  return events;
}

async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id: string; event: SeenEvent }> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, id = ''] = /^id: (\d+)$/m.exec(block) ?? [];
      const [, data] = /^data: ([^\n]*)$/m.exec(block) ?? [];
      if (data !== undefined) yield { id, event: JSON.parse(data) as SeenEvent };
    }
  }
}
