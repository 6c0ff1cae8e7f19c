import type { Route } from './routes.ts';

/** `GET /ready`: whether new questions are taken here, for whoever spreads them: 200, or 503 with the reason. */
export function readyRoute(why: () => string | null): Route {
  return {
    methods: ['GET', 'HEAD'],
    free: true,
    path: /^\/ready$/,
    answer: async ({ request, response }) => {
      const reason = why();
      const text = JSON.stringify(reason === null ? { ready: true } : { ready: false, reason });
      response.writeHead(reason === null ? 200 : 503, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        'cache-control': 'no-store',
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    },
  };
}
