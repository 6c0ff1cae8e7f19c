import Fastify from 'fastify';
import mercurius from 'mercurius';
import { serve } from '../serve.ts';
import { resolversWith, typeDefs } from './schema.js';
import { useUpstream } from './upstream.js';

// As https://mercurius.dev/#/docs/subscriptions says.
const resolvers = resolversWith({
  tell: (event, { pubsub }) => pubsub.publish({ topic: `run:${event.runId}`, payload: { runEvents: event } }),
  follow: (runId, { pubsub }) => pubsub.subscribe(`run:${runId}`),
});
const app = Fastify();
app.register(mercurius, { schema: typeDefs, resolvers, subscription: true });

serve({
  async listen({ upstream }) {
    useUpstream(upstream);
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    return `${address}/graphql`;
  },
});
