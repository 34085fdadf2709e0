import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TerraformStack } from 'cdktf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTopology } from '../src/topology/topology.ts';
import { collaborationEdge, Synthesis } from '../test/support/synthesis.ts';
import {
  ClientGroup,
  ExternalAuthority,
  LdapServer,
  PolicyServer,
  Product,
  Release,
  SipServer,
  Suppression,
  TrustList,
  UnifiedCm,
  VcsCluster,
} from './index.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

let synthesis: Synthesis;
let pem: string;
beforeEach(() => {
  synthesis = new Synthesis();
  mkdirSync(synthesis.folder, { recursive: true });
  pem = join(synthesis.folder, 'some.pem');
  writeFileSync(pem, PEM);
});
afterEach(() => synthesis.remove());

const synthesized = (declare: (stack: TerraformStack) => void) => {
  const { topology, terraform, files } = synthesis.synth(declare);
  return { topology: parseTopology(topology, 'topology.json'), terraform, files };
};

describe('what is around a cluster', () => {
  it('goes into the topology: systems, clients, authorities elsewhere, suppressions', () => {
    const { topology } = synthesized((stack) => {
      const { root, inside, outside } = collaborationEdge(stack, {
        release: Release.X15_5,
        clusterTls: 'enforce',
        phoneSecurityProfiles: ['secure.phones.example.com', { name: 'OAuth profile', oauth: true }],
        crlChannels: ['automatic', 'manual', 'embedded'],
      });
      const elsewhere = new ExternalAuthority(stack, 'PublicCa', { certificateFiles: [pem], publiclyTrusted: true });
      const cucm = new UnifiedCm(stack, 'Cucm', {
        clusters: [inside],
        nodes: ['cucm1.example.com'],
        tomcatTrust: [root],
        callManagerTrust: [root],
        certificateFiles: [pem],
      });
      const sbc = new SipServer(stack, 'Sbc', { clusters: [inside], address: 'sbc.partner.example' });
      new LdapServer(stack, 'Ldap', { clusters: [inside], address: 'ldap.example.com', revocationChecking: 'peer' });
      new PolicyServer(stack, 'Policy', { clusters: [inside], address: 'policy.example.com', tlsVerify: false });
      const jabber = new ClientGroup(stack, 'Jabber', { kind: 'mobile-and-remote-access', clusters: [outside] });
      new TrustList(stack, 'Others', { authorities: [root, elsewhere], appliesTo: [sbc, jabber] });
      new Suppression(stack, 'Lab', { code: 'CRL_UPDATE_TIME', reason: 'a lab' });
      expect([cucm.systemId, jabber.groupId, elsewhere.authorityId]).toEqual(['cucm', 'jabber', 'public-ca']);
    });
    expect(topology.systems.map(({ kind, id, clusters }) => [kind, id, clusters])).toEqual([
      ['unified-cm', 'cucm', ['core']],
      ['sip-server', 'sbc', ['core']],
      ['ldap', 'ldap', ['core']],
      ['policy-server', 'policy', ['core']],
    ]);
    expect(topology.systems[0]).toMatchObject({ tomcatTrust: ['root-ca'], secureSip: true, certificates: [PEM] });
    expect(topology.clients).toEqual([
      { id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'], fixedTrust: false },
    ]);
    expect(topology.trustLists[1]).toMatchObject({
      authorities: ['root-ca', 'public-ca'],
      appliesTo: ['sbc', 'jabber'],
    });
    expect(topology.externalAuthorities).toEqual([{ id: 'public-ca', certificates: [PEM], publiclyTrusted: true }]);
    expect(topology.suppressions).toEqual([{ code: 'CRL_UPDATE_TIME', reason: 'a lab' }]);
    expect(topology.clusters[0]?.phoneSecurityProfiles).toEqual([
      { name: 'secure.phones.example.com', oauth: false },
      { name: 'OAuth profile', oauth: true },
    ]);
  });

  it('gives Terraform and Kubernetes nothing to do that an authority elsewhere does', () => {
    const { terraform, files } = synthesized((stack) => {
      const { root } = collaborationEdge(stack);
      const elsewhere = new ExternalAuthority(stack, 'PublicCa', { certificateFiles: [pem] });
      const other = new VcsCluster(stack, 'Other', {
        product: Product.EXPRESSWAY_E,
        release: Release.X15_5,
        issuer: elsewhere,
        clientCertificate: { issuer: root, usages: ['clientAuth'], lifetimeDays: 100 },
      });
      other.addPeer('expe9.example.com');
      new TrustList(stack, 'Others', { authorities: [root, elsewhere], appliesTo: [other] });
    });
    expect(Object.keys(terraform.resource.null_resource).sort()).toEqual([
      'delivery',
      'root_ca_authority',
      'root_ca_certificates',
    ]);
    const issued = terraform.resource.null_resource.root_ca_certificates?.for_each ?? {};
    expect(issued['other/expe9/client']).toMatchObject({ usages: 'clientAuth', lifetime_days: '100' });
    expect(issued['other/expe9/server']).toBeUndefined();
    expect([...files.keys()].filter((name) => name.includes('other'))).toEqual([
      'manifests/certificate-other-expe9-client.yaml',
    ]);
  });

  it('names the construct in an error of a system', () => {
    expect(() =>
      synthesized((stack) => {
        const { inside, root } = collaborationEdge(stack);
        new UnifiedCm(stack, 'Cucm', {
          clusters: [inside],
          nodes: ['192.0.2.1'],
          tomcatTrust: [root],
          callManagerTrust: [root],
        });
      }),
    ).toThrow(/edge\/Cucm \(system cucm\): .*\(UNIFIED_CM_NAME, 192\.0\.2\.1\); fix: set the FQDN/);
  });

  it('refuses to accept what the appliance itself refuses', () => {
    expect(() =>
      synthesized((stack) => {
        collaborationEdge(stack, { key: 'rsa-8192' });
        new Suppression(stack, 'No', { code: 'KEY_8192', reason: 'we want it' });
      }),
    ).toThrow(/KEY_8192 at cluster [a-z]+ can't be accepted/);
  });
});
