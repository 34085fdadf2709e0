import { sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeSigned } from '../../../x509/certificate.ts';
import { contextTag, encodeDer, integer, oid, sequence } from '../../../x509/der.ts';
import { subjectPublicKeyInfo } from '../../../x509/keys.ts';
import { encodePem } from '../../../x509/pem.ts';
import { examine } from '../examine.ts';
import {
  authorityCertificate,
  bundle,
  ecdsaWithSha1,
  files,
  found,
  material,
  now,
  peerCertificate,
  revocationList,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const weak = { algorithm: ecdsaWithSha1 };

describe('D30, requirements 72 and 75: SHA-1', () => {
  it('refuses a certificate and an intermediate that are signed with it', async () => {
    const server = peerCertificate(m.peer, m.issuing, weak);
    expect(found(await files({ ...healthy, 'expe1/server.pem': server }))).toEqual([
      'CERTIFICATE_SHA1 D30 error expe1/server.pem',
    ]);
    const issuing = authorityCertificate(m.issuing, m.root, weak);
    expect(found(await files({ ...healthy, 'expe1/ca.pem': m.rootPem + issuing }))).toEqual([
      'CERTIFICATE_SHA1 D30 error expe1/ca.pem',
    ]);
  });

  it('sees it under RSASSA-PSS, whose digest is in the parameters (RFC 4055 3.1)', async () => {
    const pss = { name: 'pss', der: sequence(oid('1.2.840.113549.1.1.10'), sequence()), digest: 'sha1' };
    const artefacts = await files({ 'expe1/server.pem': peerCertificate(m.peer, m.issuing, { algorithm: pss }) });
    expect(examine({ artefacts, now }).findings).toContainEqual(
      expect.objectContaining({ code: 'CERTIFICATE_SHA1', value: 'rsassaPss with sha1' }),
    );
  });

  it('accepts a root that signed itself so: nobody verifies that signature', async () => {
    const root = authorityCertificate(m.root, m.root, weak);
    expect(found(await files({ ...healthy, 'expe1/ca.pem': root + m.issuingPem }))).toEqual([]);
  });

  it('requirement 65: warns of a request and of a list', async () => {
    const asked = sequence(
      integer(0),
      m.peer.name,
      subjectPublicKeyInfo(m.peer.key),
      encodeDer(contextTag(0, 'constructed')),
    );
    const request = encodeSigned(asked, ecdsaWithSha1, sign('sha1', asked, m.peer.key));
    expect(found(await files({ 'certcsr.pem': encodePem('CERTIFICATE REQUEST', request) }))).toEqual([
      'REQUEST_SHA1 D30 warning certcsr.pem',
    ]);
    const noAlgorithm = { algorithm: { ...ecdsaWithSha1, der: sequence() } };
    expect(found(await files({ 'crl.pem': revocationList(m.root, noAlgorithm) }))).toEqual([]);
    expect(found(await files({ 'crl.pem': revocationList(m.root, weak) }))).toEqual([
      'REQUEST_SHA1 D30 warning crl.pem',
    ]);
  });
});
