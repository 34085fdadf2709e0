import { describe, expect, it } from 'vitest';
import {
  basicConstraints,
  crlDistributionPoints,
  extendedKeyUsage,
  keyUsage,
  subjectAlternativeName,
} from '../../../x509/extensions.ts';
import {
  authorityCertificate,
  bundle,
  days,
  files,
  found,
  holder,
  material,
  peerCertificate,
  revocationList,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const rootList = revocationList(m.root);
const fetchedFrom = crlDistributionPoints(['http://pki.example.com/issuing.crl']);
const usual = [basicConstraints({ authority: true }), keyUsage(['keyCertSign', 'cRLSign'])];
const listed = (...lists: string[]) => files({ ...healthy, 'expe1/crl.pem': lists.join('') });

describe('D15, requirement 59: an expired list revokes everything', () => {
  it('refuses it, and warns with less than two daily updates left', async () => {
    expect(found(await listed(rootList, revocationList(m.issuing, { nextUpdate: days(-0.1) })))).toEqual([
      'CRL_PAST D15 error expe1/crl.pem',
    ]);
    expect(found(await listed(rootList, revocationList(m.issuing, { nextUpdate: days(1.9) })))).toEqual([
      'CRL_PAST D15 warning expe1/crl.pem',
    ]);
    expect(found(await listed(rootList, revocationList(m.issuing, { nextUpdate: days(2) })))).toEqual([]);
  });

  it('looks at the last list of an authority', async () => {
    const before = revocationList(m.issuing, { thisUpdate: days(-9), nextUpdate: days(-2) });
    const current = revocationList(m.issuing);
    expect(found(await listed(rootList, before, current))).toEqual([]);
    expect(found(await listed(rootList, current, before))).toEqual([]);
  });
});

describe('D16, requirement 52: a list for every authority of the chain', () => {
  it('refuses to do without that of the root', async () => {
    expect(found(await listed(revocationList(m.issuing)))).toEqual(['CRL_ABSENT D16 error expe1/server.pem']);
  });

  it('accepts that there are no lists at all, and warns of what a policy server would not download', async () => {
    const { 'expe1/crl.pem': _, ...without } = healthy;
    expect(found(await files(without))).toEqual([]);
    const fetched = peerCertificate(m.peer, m.issuing, {
      extensions: [
        extendedKeyUsage(['serverAuth', 'clientAuth']),
        subjectAlternativeName(['expe1.example.com']),
        fetchedFrom,
      ],
    });
    const ca = m.rootPem + authorityCertificate(m.issuing, m.root, { extensions: [...usual, fetchedFrom] });
    const bundled = { ...healthy, 'expe1/server.pem': fetched, 'expe1/ca.pem': ca, 'expe1/crl.pem': rootList };
    expect(found(await files(bundled))).toEqual(['CRL_ABSENT D16 warning expe1/server.pem']);
  });

  it('does not take the lists of a folder above for those of every authority', async () => {
    const { 'expe1/crl.pem': _, ...peer } = healthy;
    expect(found(await files({ ...peer, 'crl.pem': revocationList(holder('Other CA')) }))).toEqual([]);
    expect(found(await files({ ...peer, 'crl.pem': rootList }))).toEqual(['CRL_ABSENT D16 error expe1/server.pem']);
  });

  it('refuses lists of others alone, and accepts them beside a chain that they cover (X15.5)', async () => {
    const internal = holder('Internal CA');
    const internalList = revocationList(internal);
    expect(found(await listed(internalList))).toEqual(['CRL_ABSENT D16 error expe1/server.pem']);
    const client = {
      'expe1/client.pem': peerCertificate(holder('expe1.example.com'), internal),
      'expe1/ca.pem': m.rootPem + m.issuingPem + authorityCertificate(internal),
      'expe1/crl.pem': internalList,
    };
    expect(found(await files({ ...healthy, ...client }), 'X15.5')).toEqual([]);
  });
});

describe('requirement 3: revoked certificates', () => {
  const serial = 0x4a99n;
  const revoked = { entries: [{ serialNumber: serial, revokedAt: days(-1), reason: 'keyCompromise' as const }] };
  const server = { 'expe1/server.pem': peerCertificate(m.peer, m.issuing, { serial }) };

  it('refuses one', async () => {
    const artefacts = await files({
      ...healthy,
      ...server,
      'expe1/crl.pem': rootList + revocationList(m.issuing, revoked),
    });
    expect(found(artefacts)).toEqual(['CERTIFICATE_REVOKED - error expe1/server.pem']);
  });

  it('does not believe a list that another key signed', async () => {
    const stranger = holder(m.issuing.name);
    const artefacts = await files({
      ...healthy,
      ...server,
      'expe1/crl.pem': rootList + revocationList(stranger, revoked),
    });
    expect(found(artefacts)).toEqual(['CRL_OF_ANOTHER_KEY - error expe1/crl.pem']);
  });
});

describe('D17, requirement 58: one file with all lists', () => {
  const { 'expe1/crl.pem': both, ...without } = healthy;
  const apart = { 'expe1/root.crl': rootList, 'expe1/issuing.crl': revocationList(m.issuing) };

  it('warns of several', async () => {
    expect(found(await files({ ...without, ...apart }))).toEqual(['CRL_FILES_SEVERAL D17 warning expe1/issuing.crl']);
  });

  it('advises where the certificate says where they are fetched', async () => {
    const extensions = [
      extendedKeyUsage(['serverAuth', 'clientAuth']),
      subjectAlternativeName(['expe1.example.com']),
      fetchedFrom,
    ];
    const fetched = { 'expe1/server.pem': peerCertificate(m.peer, m.issuing, { extensions }) };
    expect(found(await files({ ...without, ...apart, ...fetched }))).toEqual([
      'CRL_FILES_SEVERAL D17 advice expe1/issuing.crl',
    ]);
  });

  it('accepts them in a folder of several peers, which is loaded nowhere as it is', async () => {
    const peer = (name: string) =>
      peerCertificate(holder(`${name}.example.com`), m.issuing, { names: [`${name}.example.com`] });
    const flat = { 'expe1.pem': peer('expe1'), 'expe2.pem': peer('expe2'), 'ca.pem': m.rootPem + m.issuingPem };
    expect(found(await files({ ...flat, 'root.crl': rootList, 'issuing.crl': revocationList(m.issuing) }))).toEqual([]);
  });

  it('accepts them beside one that has them all, and embedded in the CA file for LDAP (54)', async () => {
    const all = Object.values(apart).join('');
    expect(found(await files({ ...without, ...apart, 'expe1/all.pem': all }))).toEqual([]);
    const embedded = { 'expe1/ca.pem': m.rootPem + m.issuingPem + both };
    expect(found(await files({ ...healthy, ...embedded }))).toEqual([]);
  });
});
