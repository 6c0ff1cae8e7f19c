import type { CombinedGraphQLErrors } from '@apollo/client';
import { expect, test } from 'vitest';
import { openApollo } from '../../../examples/apollo.ts';
import { openSocket } from '../../../examples/socket.ts';
import { openUrql } from '../../../examples/urql.ts';
import { ViewerDocument } from '../../clients/operations.generated.ts';
import { openRig } from '../../rig.ts';
import { Issuer } from './issuer.ts';

test('Apollo and urql are told that nobody knows who asks, by a code', async () => {
  await using issuer = await Issuer.open();
  await using rig = await openRig({ auth: { jwt: [issuer.config()] }, admins: [] });
  const socket = openSocket(rig.url, () => issuer.token('ann'));
  const apollo = await openApollo(rig.url, 'ann', socket).query({ query: ViewerDocument, errorPolicy: 'all' });
  const { errors } = apollo.error as CombinedGraphQLErrors;
  expect(errors.map(({ extensions }) => extensions?.['code'])).toEqual(['UNAUTHENTICATED']);
  const urql = await openUrql(rig.url, 'ann', socket).query(ViewerDocument, {}).toPromise();
  expect(urql.error?.graphQLErrors.map(({ extensions }) => extensions['code'])).toEqual(['UNAUTHENTICATED']);
  await socket.dispose();
});
