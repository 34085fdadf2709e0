import { describe, expect, it } from 'vitest';
import type { AuthorityId } from '../topology/ids.ts';
import { encodePem } from '../x509/pem.ts';
import { sampleCertificate, sampleParty } from '../x509/testing/sample-certificate.ts';
import { authorityReader, trustEntries } from './trust-list.ts';

const root = sampleParty('Partner Root');
const partner = encodePem('CERTIFICATE', sampleCertificate(root, root, { authority: true }));
const peer = encodePem('CERTIFICATE', sampleCertificate(sampleParty('vcs.example.com'), root));

const topology = (...certificates: string[]) => ({
  externalAuthorities: [{ id: 'partner' as AuthorityId, certificates: [partner], publiclyTrusted: false }],
  trustLists: [
    { id: 'first', authorities: ['ca', 'partner'] as AuthorityId[], certificates: [], appliesTo: ['core', 'edge'] },
    { id: 'second', authorities: [], certificates, appliesTo: ['edge'] },
  ],
});

describe('what a holder trusts', () => {
  it('has each certificate once, in the order declared, from all lists that apply', () => {
    const other = encodePem('CERTIFICATE', sampleCertificate(sampleParty('Other'), root, { authority: true }));
    const entries = trustEntries(topology(partner, other), 'edge', authorityReader());
    expect(entries.map(({ authority, certificate }) => authority ?? certificate.subject.commonName)).toEqual([
      'ca',
      'Partner Root',
      'Other',
    ]);
  });

  it('is read once for all holders that share a list', () => {
    const read = authorityReader();
    const [core, edge] = ['core', 'edge'].map(
      (holder) => trustEntries(topology(partner), holder, read)[1]?.certificate,
    );
    expect(core?.subject.commonName).toBe('Partner Root');
    expect(edge).toBe(core);
  });

  it('I10: is no certificate of a peer, and says so each time it is asked', () => {
    const read = authorityReader();
    for (const _ of ['once', 'again'])
      expect(() => trustEntries(topology(peer), 'edge', read)).toThrow(
        /^trust list second: vcs\.example\.com is not the certificate of an authority/,
      );
  });
});
