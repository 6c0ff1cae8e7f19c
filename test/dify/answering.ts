import { recorded, sendJson, serve, type FakeServer } from './fake-server.ts';

/** A server that answers everything with what is given, once each and then the last for ever. */
export function answers(...replies: readonly (readonly [status: number, body?: unknown])[]): Promise<FakeServer> {
  return serve((exchange) => {
    const [status, body] = replies[Math.min(exchange.index, replies.length - 1)]!;
    if (body === undefined) exchange.response.writeHead(status).end();
    else sendJson(exchange, status, body);
  });
}

/** A server that answers everything with one recorded reply. */
export function replays(name: string): Promise<FakeServer> {
  const { status } = JSON.parse(recorded(`${name}.meta.json`).toString()) as { status: number };
  return answers([status, recorded(`${name}.json`).toString()]);
}
