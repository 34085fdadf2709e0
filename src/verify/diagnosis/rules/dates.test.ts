import { describe, expect, it } from 'vitest';
import {
  authorityCertificate,
  bundle,
  days,
  files,
  found,
  holder,
  material,
  type PeerChange,
  peerCertificate,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const server = (change: PeerChange) => ({ ...healthy, 'expe1/server.pem': peerCertificate(m.peer, m.issuing, change) });

describe('requirement 3: dates', () => {
  it('refuses what has expired, and what is not valid yet', async () => {
    expect(found(await files(server({ begin: days(-9), end: days(-1) })))).toEqual([
      'CERTIFICATE_EXPIRED - error expe1/server.pem',
    ]);
    expect(found(await files(server({ begin: days(1), end: days(9) })))).toEqual([
      'CERTIFICATE_NOT_YET_VALID - error expe1/server.pem',
    ]);
  });

  it('refuses an authority of the chain that has expired, and warns of another', async () => {
    const issuingPem = authorityCertificate(m.issuing, m.root, { begin: days(-90), end: days(-1) });
    expect(found(await files({ ...healthy, 'expe1/ca.pem': m.rootPem + issuingPem }))).toEqual([
      'CERTIFICATE_EXPIRED - error expe1/ca.pem',
    ]);
    const old = authorityCertificate(holder('Old Root'), undefined, { begin: days(-900), end: days(-1) });
    expect(found(await files({ ...healthy, 'expe1/ca.pem': m.rootPem + m.issuingPem + old }))).toEqual([
      'CERTIFICATE_EXPIRED - warning expe1/ca.pem',
    ]);
  });

  it('says nothing of an expired certificate whose successor is there', async () => {
    const old = peerCertificate(m.peer, m.issuing, { begin: days(-400), end: days(-35) });
    expect(found(await files({ ...healthy, 'expe1/old.pem': old }))).toEqual([]);
  });
});

describe('D32: an end after 2049', () => {
  it('warns of 2050, and not of the last day of 2049', async () => {
    expect(found(await files(server({ end: new Date('2050-01-01T00:00:00Z') })))).toEqual([
      'END_AFTER_2049 D32 warning expe1/server.pem',
    ]);
    expect(found(await files(server({ end: new Date('2049-12-31T23:59:59Z') })))).toEqual([]);
  });
});

describe('requirement 72: an authority of 30 days', () => {
  const authority = (end: number) =>
    authorityCertificate(holder('Contact Person'), undefined, { begin: days(0), end: days(end) });

  it('refuses what openssl makes without -days, and accepts a year', async () => {
    expect(found(await files({ 'ca.crt': authority(30) }))).toEqual(['AUTHORITY_OF_DAYS - error ca.crt']);
    expect(found(await files({ 'ca.crt': authority(365) }))).toEqual([]);
  });
});
