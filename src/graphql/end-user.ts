import type { EndUserRecord } from '../dify/end-user.ts';
import { GatewayError } from '../errors.ts';
import { requireCapability } from './app-capability.ts';
import { builder } from './builder.ts';
import { appNamed, requireAdmin } from './context.ts';
import { isUuid } from './ids.ts';
import { fromSeconds } from './scalars.ts';

const EndUser = builder.objectRef<EndUserRecord>('EndUser').implement({
  description: 'Whom one of Dify’s own user ids means.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Dify’s.' }),
    user: t.id({
      nullable: true,
      description: 'The `user` of calls to Dify: the id of a viewer.',
      resolve: ({ externalUserId, sessionId }) => externalUserId ?? sessionId,
    }),
    type: t.exposeString('type', { description: 'service-api, browser … as in Dify.' }),
    name: t.exposeString('name', { nullable: true }),
    isAnonymous: t.exposeBoolean('isAnonymous'),
    createdAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ createdAt }) => fromSeconds(createdAt) }),
    updatedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ updatedAt }) => fromSeconds(updatedAt) }),
  }),
});

builder.queryField('endUser', (t) =>
  t.field({
    type: EndUser,
    nullable: true,
    description:
      'One of an app’s users by Dify’s id, from Dify 1.13 on; null when there is none. Needs the scope `admin`.',
    args: { app: t.arg.id(), id: t.arg.id({ required: true }) },
    resolve: async (_, { app, id }, context) => {
      requireAdmin(context);
      const { dify } = appNamed(context, app);
      if (!isUuid(id)) return null;
      await requireCapability(dify, 'endUsers');
      return dify.endUser(id).catch((error: unknown) => {
        if (error instanceof GatewayError && error.code === 'NOT_FOUND') return null;
        throw error;
      });
    },
  }),
);
