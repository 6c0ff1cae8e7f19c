import { createServer } from 'node:http';
import { once } from 'node:events';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ToldEvents } from './fast/told-events.ts';
import { listen } from './listen.ts';

/** What is counted where it happens, and read when somebody asks. */
export interface MetricSources {
  readonly told: ToldEvents;
  /** WebSockets now open. */
  readonly sockets: () => number;
  /** What a question would be refused for; null while they are taken. */
  readonly unready: () => string | null;
}

export interface RunningMetrics {
  /** http://127.0.0.1:9100/metrics */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves `GET /metrics` for Prometheus on a port of its own: it is the operator's, not the clients'. */
export async function openMetrics(sources: MetricSources, host: string, port: number): Promise<RunningMetrics> {
  const registry = registryOf(sources);
  const http = createServer((request, response) => {
    const isKnown = request.url?.split('?')[0] === '/metrics' && /^(GET|HEAD)$/.test(request.method ?? '');
    if (!isKnown) return void response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  const origin = await listen(http, host, port);
  return {
    url: `${origin}/metrics`,
    async close() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

function registryOf({ told, sockets, unready }: MetricSources): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Counter({
    name: 'dify_graphql_websocket_events_total',
    help: 'Events of subscriptions, by whether a compiled writer told them or an execution, and why the latter.',
    labelNames: ['way', 'why'],
    registers,
    collect() {
      this.reset();
      this.inc({ way: 'compiled', why: '' }, told.compiled);
      for (const [why, count] of told.executed) this.inc({ way: 'executed', why }, count);
    },
  });
  new Gauge({
    name: 'dify_graphql_websockets',
    help: 'WebSockets now open.',
    registers,
    collect() {
      this.set(sockets());
    },
  });
  new Gauge({
    name: 'dify_graphql_ready',
    help: '1 while questions are taken, as GET /ready tells it.',
    registers,
    collect() {
      this.set(unready() === null ? 1 : 0);
    },
  });
  return registry;
}
