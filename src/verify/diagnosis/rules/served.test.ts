import { describe, expect, it } from 'vitest';
import { examine } from '../examine.ts';
import {
  bundle,
  days,
  files,
  found,
  holder,
  material,
  newKey,
  now,
  peerCertificate,
  served,
} from '../testing/evidence.ts';

const m = material();
const name = 'expe1.example.com';
const current = peerCertificate(m.peer, m.issuing);
const before = peerCertificate(holder(m.peer.name, newKey()), m.issuing, { begin: days(-300), end: days(65) });
const folder = () => files({ ...bundle(m), 'expe1/server.pem': current });
const presents = (...chain: string[]) => served(`${name}:5061`, [name], ...chain);

describe('D28, requirement 29: what is in use', () => {
  it('refuses the certificate before the one that was made last', async () => {
    expect(found([presents(before, m.issuingPem), ...(await folder())])).toEqual([
      'NOT_RESTARTED D28 error expe1.example.com:5061',
    ]);
  });

  it('accepts the last one, and one that is newer than the files', async () => {
    expect(found([presents(current, m.issuingPem), ...(await folder())])).toEqual([]);
    const newer = peerCertificate(m.peer, m.issuing, { begin: days(-1) });
    expect(found([presents(newer, m.issuingPem), ...(await folder())])).toEqual([]);
  });
});

describe('D08: what is sent along', () => {
  it('refuses a certificate without its intermediate', async () => {
    expect(found([presents(current), ...(await folder())])).toEqual(['SERVED_ALONE D08 error expe1.example.com:5061']);
  });

  it('does not ask for the root, and warns of an authority that it does not know', async () => {
    const byRoot = peerCertificate(m.peer, m.root);
    expect(found([presents(byRoot), ...(await files({ 'ca.pem': m.rootPem }))])).toEqual([]);
    expect(found([presents(current)])).toEqual(['SERVED_ALONE D08 warning expe1.example.com:5061']);
  });
});

describe('D11, requirement 61: the name by which a peer is reached', () => {
  it('refuses a certificate without, and names the nearest', () => {
    const { findings } = examine({
      artefacts: [served('expe11.example.com:443', ['expe11.example.com'], current, m.issuingPem)],
      now,
    });
    expect(findings).toMatchObject([
      {
        code: 'SERVED_NAME_MISMATCH',
        diagnosis: 'D11',
        fix: expect.stringContaining('the nearest is expe1.example.com'),
      },
    ]);
  });

  it('does not look at the common name from X14.0 on, nor where that is not established before', () => {
    const named = peerCertificate(m.peer, m.issuing, { names: ['expe.example.com'] });
    expect(found([presents(named, m.issuingPem)])).toEqual([]);
    for (const release of ['X14.3', 'X8.11'] as const)
      expect(found([presents(named, m.issuingPem)], release)).toContain(
        'SERVED_NAME_MISMATCH D11 error expe1.example.com:5061',
      );
  });

  it('says that it could not compare an address', () => {
    const { findings, notChecked } = examine({
      artefacts: [served('10.0.0.1:5061', ['10.0.0.1'], current, m.issuingPem)],
      now,
    });
    expect(findings).toEqual([]);
    expect(notChecked).toContain('names of 10.0.0.1:5061: it was reached by address; give its name');
  });
});
