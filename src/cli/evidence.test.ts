import { expect, it } from 'vitest';
import { collaborationEdge } from '../../test/support/topologies.ts';
import type { AuthorityId } from '../topology/ids.ts';
import { parseTopology } from '../topology/topology.ts';
import { crlAuthoritiesOf } from './evidence.ts';

it('requirement 52: lists are told by the ids of authorities; no certificate is read for them', () => {
  const topology = parseTopology({ ...collaborationEdge(), zones: [] }, 'test');
  const externalAuthorities = [{ id: 'partner' as AuthorityId, certificates: ['not read'], publiclyTrusted: false }];
  const trustLists = [
    {
      id: 'trust',
      authorities: ['issuing-ca', 'partner'] as AuthorityId[],
      certificates: ['not read'],
      appliesTo: ['core'],
    },
  ];
  expect(crlAuthoritiesOf({ ...topology, externalAuthorities, trustLists }, 'core')).toEqual(['issuing-ca', 'root-ca']);
});
