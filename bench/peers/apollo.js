import { createServer } from 'node:http';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import { expressMiddleware } from '@as-integrations/express5';
import { makeExecutableSchema } from '@graphql-tools/schema';
import express from 'express';
import { PubSub } from 'graphql-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { serve } from '../serve.ts';
import { resolversWith, typeDefs } from './schema.js';
import { useUpstream } from './upstream.js';

// As https://www.apollographql.com/docs/apollo-server/data/subscriptions says.
const pubsub = new PubSub();
pubsub.ee.setMaxListeners(0);
const resolvers = resolversWith({
  tell: (event) => void pubsub.publish(`run:${event.runId}`, { runEvents: event }),
  follow: (runId) => pubsub.asyncIterableIterator([`run:${runId}`]),
});
const schema = makeExecutableSchema({ typeDefs, resolvers });
const app = express();
const httpServer = createServer(app);
const wsServer = new WebSocketServer({ server: httpServer, path: '/graphql' });
const serverCleanup = useServer({ schema }, wsServer);
const server = new ApolloServer({
  schema,
  csrfPrevention: true,
  plugins: [
    ApolloServerPluginDrainHttpServer({ httpServer }),
    {
      async serverWillStart() {
        return {
          async drainServer() {
            await serverCleanup.dispose();
          },
        };
      },
    },
  ],
});

serve({
  async listen({ upstream }) {
    useUpstream(upstream);
    await server.start();
    app.use('/graphql', express.json(), expressMiddleware(server));
    await new Promise((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${httpServer.address().port}/graphql`;
  },
});
