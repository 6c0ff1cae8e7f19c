import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { serve } from '../serve.ts';
import { resolversWith, typeDefs } from './schema.js';
import { useUpstream } from './upstream.js';

// As https://the-guild.dev/graphql/yoga-server/docs/features/subscriptions#graphql-over-websocket-protocol-via-graphql-ws says.
const eventTarget = new EventTarget();
setMaxListeners(0, eventTarget);
const pubSub = createPubSub({ eventTarget });
const resolvers = resolversWith({
  tell: (event) => pubSub.publish('run', event.runId, { runEvents: event }),
  follow: (runId) => pubSub.subscribe('run', runId),
});
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: 'error' });
const httpServer = createServer((request, response) => void yoga(request, response));
const wsServer = new WebSocketServer({ server: httpServer, path: yoga.graphqlEndpoint });

useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      if (errors.length) return errors;
      return args;
    },
  },
  wsServer,
);

serve({
  async listen({ upstream }) {
    useUpstream(upstream);
    await new Promise((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${httpServer.address().port}/graphql`;
  },
});
