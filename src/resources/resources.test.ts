import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { pathLengthBelow } from '../authority/plan.ts';
import { demands } from '../topology/demands.ts';
import { parseTopology } from '../topology/topology.ts';
import { certificateKind, certificateManifest, demandOf } from './certificate.ts';
import { authorityManifest, authorityOf, certificateAuthorityKind } from './certificate-authority.ts';
import { parseResource } from './resource.ts';

const request = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
const topology = parseTopology(
  {
    name: 'test',
    authorities: [
      { id: 'root', subject: { commonName: 'Root', country: 'GB' }, crl: { everyDays: 30, validDays: 90 } },
      {
        id: 'ca',
        issuer: 'root',
        key: 'ec-p384',
        subject: { commonName: 'CA' },
        crl: { baseUrl: 'http://pki.example.com/' },
      },
    ],
    clusters: [
      {
        id: 'core',
        product: 'expressway-c',
        release: 'X8.1',
        issuer: 'ca',
        clusterName: 'expc.example.com',
        onRemoval: 'keep',
        subject: { organization: 'Example' },
        peers: [
          { id: 'expc1', hostName: 'expc1', domain: 'example.com' },
          { id: 'expc2', hostName: 'expc2', domain: 'example.com', request },
        ],
      },
      {
        id: 'edge',
        product: 'expressway-e',
        release: 'X8.1',
        issuer: 'ca',
        certificateModel: 'shared',
        clusterName: 'expe.example.com',
        peers: [{ id: 'expe1', hostName: 'expe1', domain: 'example.com' }],
      },
    ],
  },
  'test',
);

describe('manifests say what the declaration says', () => {
  it.each(demands(topology).map((demand) => [demand.id, demand] as const))('%s comes back from YAML', (_, demand) => {
    const manifest = parseResource(certificateKind, parse(stringify(certificateManifest(demand))), 'yaml');
    expect(demandOf(manifest)).toEqual(demand);
  });

  it.each(topology.authorities.map((authority) => [authority.id, authority] as const))(
    'authority %s comes back from YAML',
    (_, authority) => {
      const manifest = parseResource(
        certificateAuthorityKind,
        parse(stringify(authorityManifest(authority, pathLengthBelow(topology, authority)))),
        'yaml',
      );
      expect(authorityOf(manifest)).toEqual(authority);
    },
  );
});

describe('I10: YAML that is not ours', () => {
  const [demand] = demands(topology);
  const good = demand && certificateManifest(demand);

  it.each<[string, unknown, RegExp]>([
    ['another kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }, /is a Pod of v1, not a Certificate/],
    ["cert-manager's Certificate", { ...good, apiVersion: 'cert-manager.io/v1' }, /cert-manager\.io\/v1/],
    ['a text', 'hello', /type object/],
    ['no spec', { ...good, spec: undefined }, /spec/],
    ['neither key nor request', { ...good, spec: { ...good?.spec, keyType: undefined } }, /keyType/],
    ['a demand id that is none', { ...good, spec: { ...good?.spec, demandId: 'core' } }, /demandId/],
    ['a name that is none', { ...good, spec: { ...good?.spec, dnsNames: ['not a name'] } }, /dnsNames/],
  ])('%s', (_, value, message) => {
    expect(() => parseResource(certificateKind, value, 'file.yaml')).toThrow(message);
    expect(() => parseResource(certificateKind, value, 'file.yaml')).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID', fix: expect.any(String) }),
    );
  });
});
