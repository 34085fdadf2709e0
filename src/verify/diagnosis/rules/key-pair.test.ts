import { describe, expect, it } from 'vitest';
import { examine } from '../examine.ts';
import {
  bundle,
  days,
  derOf,
  files,
  found,
  holder,
  keyPem,
  material,
  newKey,
  now,
  peerCertificate,
  request,
} from '../testing/evidence.ts';

const m = material();
const second = holder('expe2.example.com');
const names = ['expe2.example.com', 'expe.example.com'];
const expe1 = bundle(m);
const expe2 = {
  ...bundle({ ...m, peer: second }, 'expe2'),
  'expe2/server.pem': peerCertificate(second, m.issuing, { names }),
};

describe('D01, requirement 35: a certificate and its key', () => {
  it('accepts the pairs of two peers', async () => {
    expect(found(await files({ ...expe1, ...expe2 }))).toEqual([]);
  });

  it('names the peer whose key it is, and where the right one lies', async () => {
    const artefacts = await files({
      ...expe1,
      ...expe2,
      'expe1/privatekey.pem': keyPem(second.key),
      'expe2/privatekey.pem': keyPem(m.peer.key),
    });
    const { findings } = examine({ artefacts, now });
    expect(findings.map(({ at }) => at)).toEqual(['expe1/server.pem', 'expe2/server.pem']);
    expect(findings[0]).toMatchObject({
      code: 'PAIR_MISMATCH',
      diagnosis: 'D01',
      message: expect.stringContaining('but that of expe2.example.com in expe2/server.pem'),
      fix: 'load it with its own key, expe2/privatekey.pem',
    });
  });

  it.each([
    ['expe1.pem', 'expe1.key', 'expe2.pem', 'expe2.key'],
    ['expe1-server.crt', 'expe1-key.pem', 'expe2-server.crt', 'expe2-key.pem'],
  ])('goes by the names of files in one folder: %s and %s', async (one, oneKey, two, twoKey) => {
    const pairs = (first: string, other: string) =>
      files({
        [one]: expe1['expe1/server.pem'] ?? '',
        [two]: expe2['expe2/server.pem'] ?? '',
        [first]: keyPem(m.peer.key),
        [other]: keyPem(second.key),
        'ca.pem': m.rootPem + m.issuingPem,
      });
    expect(found(await pairs(oneKey, twoKey))).toEqual([]);
    expect(found(await pairs(twoKey, oneKey))).toEqual([
      `PAIR_MISMATCH D01 error ${one}`,
      `PAIR_MISMATCH D01 error ${two}`,
    ]);
  });

  it('warns of a request and a key that is for another', async () => {
    const asked = await request(newKey(), 'expe1.example.com', ['expe1.example.com']);
    expect(found(await files({ 'server.csr': asked, 'privatekey.pem': keyPem(newKey()) }))).toEqual([
      'PAIR_MISMATCH D01 warning server.csr',
    ]);
  });

  it('knows the key of the certificate before', async () => {
    const before = peerCertificate(second, m.issuing, { names, begin: days(-300), end: days(60) });
    const current = peerCertificate(holder('expe2.example.com'), m.issuing, { names });
    const artefacts = await files({
      'server.pem': current,
      'privatekey.pem': keyPem(second.key),
      'ca.pem': m.rootPem + m.issuingPem,
      'archive/server.pem': before,
    });
    expect(examine({ artefacts, now }).findings).toMatchObject([
      {
        code: 'PAIR_MISMATCH',
        message: expect.stringContaining('but that of expe2.example.com in archive/server.pem'),
      },
    ]);
    const aside = { 'server-2025.pem': before, 'key-2025.pem': keyPem(second.key), 'server.pem': current };
    expect(found(await files(aside))).toEqual([]);
  });

  it('refuses a key that belongs to nobody', async () => {
    const artefacts = await files({ ...expe1, 'expe1/privatekey.pem': keyPem(newKey()) });
    expect(found(artefacts)).toEqual(['PAIR_MISMATCH D01 error expe1/server.pem']);
  });

  it('accepts a certificate whose key is on the appliance, and the key of a request beside another', async () => {
    const { 'expe1/privatekey.pem': _, ...onAppliance } = expe1;
    expect(found(await files(onAppliance))).toEqual([]);
    const next = newKey();
    const pending = { 'expe1/next.csr': await request(next, 'expe1.example.com', []), 'expe1/next.key': keyPem(next) };
    expect(found(await files({ ...expe1, ...pending }))).toEqual([]);
    const { 'expe1/next.csr': nextRequest } = pending;
    const sameName = { 'expe1/server.csr': nextRequest, 'expe1/server.key': keyPem(next) };
    expect(found(await files({ ...onAppliance, ...sameName }))).toEqual([
      'REQUEST_NOT_ANSWERED D01 warning expe1/server.pem',
    ]);
  });
});

describe('D01, requirements 32 and 35: a certificate and the request that it answers', () => {
  const { 'expe1/privatekey.pem': _, ...onAppliance } = expe1;

  it('accepts the answer', async () => {
    const own = await request(m.peer.key, 'expe1.example.com', ['expe1.example.com']);
    expect(found(await files({ ...onAppliance, 'expe1/request.csr': own }))).toEqual([]);
  });

  it('refuses the answer to the request of another peer', async () => {
    const artefacts = await files({
      ...onAppliance,
      'expe1/request.csr': await request(newKey(), 'expe1.example.com', ['expe1.example.com']),
      'other/request.csr': await request(m.peer.key, 'expe7.example.com', ['expe7.example.com']),
    });
    expect(found(artefacts)).toEqual(['REQUEST_NOT_ANSWERED D01 error expe1/server.pem']);
  });

  it('refuses one that is of another peer by its name', async () => {
    const own = await request(newKey(), 'expe7.example.com', ['expe7.example.com']);
    expect(found(await files({ ...onAppliance, 'expe1/request.csr': own }))).toEqual([
      'REQUEST_NOT_ANSWERED D01 error expe1/server.pem',
    ]);
  });

  it('only warns where the request may be for the next certificate, under the name of the cluster too (X14.0)', async () => {
    const flipped = await request(newKey(), 'expe.example.com', ['expe1.example.com', 'expe.example.com']);
    expect(found(await files({ ...onAppliance, 'expe1/request.csr': flipped }))).toEqual([
      'REQUEST_NOT_ANSWERED D01 warning expe1/server.pem',
    ]);
    const discarded = await request(newKey(), 'expe1.example.com', ['expe1.example.com', 'expe.example.com']);
    expect(found(await files({ ...onAppliance, 'expe1/request.csr': discarded }))).toEqual([
      'REQUEST_NOT_ANSWERED D01 warning expe1/server.pem',
    ]);
  });
});

describe('D02, requirement 34: one request at a time', () => {
  it('warns of two requests of one peer', async () => {
    const artefacts = await files({
      'first.csr': await request(newKey(), 'expe1.example.com', ['expe1.example.com']),
      'second.csr': await request(newKey(), 'expe1.example.com', ['expe1.example.com', 'expe.example.com']),
    });
    expect(found(artefacts)).toEqual(['REQUESTS_SEVERAL D02 warning second.csr']);
  });

  it('names it before the form of the requests, which openssl writes as DER (65)', async () => {
    const csr = async () => derOf(await request(newKey(), 'expe1.example.com', ['expe1.example.com']));
    expect(found(await files({ 'a.der': await csr(), 'b.der': await csr() }))[0]).toBe(
      'REQUESTS_SEVERAL D02 warning b.der',
    );
  });

  it('accepts one request in two files, and those of two peers under the name of their cluster (X14.0)', async () => {
    const one = await request(m.peer.key, 'expe.example.com', ['expe1.example.com', 'expe.example.com']);
    const two = await request(second.key, 'expe.example.com', names);
    expect(found(await files({ '1/request.csr': one, '2/request.csr': two, '1/copy.csr': one }))).toEqual([]);
  });
});
