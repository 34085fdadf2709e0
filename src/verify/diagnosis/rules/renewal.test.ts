import { describe, expect, it } from 'vitest';
import { Secret } from '../../../secret.ts';
import { privateKeyPem } from '../../../x509/keys.ts';
import {
  authorityCertificate,
  bundle,
  days,
  derOf,
  ecdsaWithSha1,
  files,
  found,
  holder,
  keyPem,
  material,
  newKey,
  type PeerChange,
  peerCertificate,
  revocationList,
  rsaPublicKey,
  served,
} from '../testing/evidence.ts';

const m = material();
const all = ['expe1.example.com', 'expe.example.com', 'example.com'];
const old = peerCertificate(m.peer, m.issuing, { names: all, begin: days(-300), end: days(65) });
const renewed = (change: PeerChange, issuer = m.issuing, key = newKey()) =>
  peerCertificate(holder(m.peer.name, key), issuer, { names: all, ...change });

describe('D27: a renewal keeps what the certificate before it had', () => {
  it('accepts the same names and usages under a new key, in any order of the files', async () => {
    const more = renewed({ names: [...all, 'chat.example.com'] });
    expect(found(await files({ 'new.pem': more, 'old.pem': old }))).toEqual([]);
  });

  it('warns of names that are gone, at the newer one', async () => {
    const fewer = renewed({ names: all.slice(0, 2) });
    expect(found(await files({ 'old.pem': old, 'new.pem': fewer }))).toEqual(['RENEWAL_LOST D27 warning new.pem']);
    expect(found(await files({ 'a/server.pem': fewer, 'b/server.pem': old }))).toEqual([
      'RENEWAL_LOST D27 warning a/server.pem',
    ]);
  });

  it('refuses the loss of a usage, before what follows from it', async () => {
    const serverOnly = renewed({ usages: ['serverAuth'] });
    expect(found(await files({ 'old.pem': old, 'new.pem': serverOnly }))[0]).toBe('RENEWAL_LOST D27 error new.pem');
  });

  it('warns where another authority issued it: that has to be trusted first', async () => {
    const other = holder('Example UC Issuing CA 2');
    expect(found(await files({ 'old.pem': old, 'new.pem': renewed({}, other) }))).toEqual([
      'RENEWAL_AUTHORITY_CHANGED D27 warning new.pem',
    ]);
  });

  it('does not take peers of a cluster for each other where its name is their common name (X14.0)', async () => {
    const peer = (name: string, begin: number) =>
      peerCertificate(holder('expe.example.com'), m.issuing, {
        names: [`${name}.example.com`, 'expe.example.com'],
        begin: days(begin),
      });
    expect(found(await files({ 'one.pem': peer('expe1', -300), 'two.pem': peer('expe2', -30) }))).toEqual([]);
  });

  it('does not take the two certificates of X15.5 for each other', async () => {
    const client = holder(m.peer.name, newKey());
    const internal = holder('Internal CA');
    const folder: Record<string, string> = {
      ...bundle(m),
      'expe1/server.pem': peerCertificate(m.peer, m.issuing, { usages: ['serverAuth'] }),
      'expe1/ca.pem': m.rootPem + m.issuingPem + authorityCertificate(internal),
      'expe1/second.pem': peerCertificate(client, internal),
      'expe1/second-key.pem': keyPem(client.key),
    };
    const { 'expe1/crl.pem': _, ...withoutLists } = folder;
    expect(found(await files(withoutLists), 'X15.5')).toEqual([]);
  });

  it('compares the new pair with the old one beside it', async () => {
    const key = newKey();
    const folder = {
      'server.pem': renewed({ names: all.slice(0, 2) }, m.issuing, key),
      'privatekey.pem': keyPem(key),
      'old/server.pem': old,
      'old/privatekey.pem': keyPem(m.peer.key),
    };
    const expected = ['RENEWAL_LOST D27 warning server.pem'];
    expect(found(await files(folder))).toEqual(expected);
    const flat = Object.entries(folder).map(([path, text]) => [path.replace('/', '-'), text]);
    expect(found(await files(Object.fromEntries(flat)))).toEqual(expected);
  });

  it('tells certificates of one day by their ends', async () => {
    const longer = renewed({ names: all.slice(0, 2), begin: days(-300), end: days(400) });
    expect(found(await files({ 'new.pem': longer, 'old.pem': old }))).toEqual(['RENEWAL_LOST D27 warning new.pem']);
  });

  it('does not know which of two of the same dates is the new one', async () => {
    const twin = renewed({ names: all.slice(0, 2), begin: days(-300), end: days(65) });
    expect(found(await files({ 'a.pem': old, 'b.pem': twin }))).toEqual([]);
  });

  it('looks at the last renewal alone', async () => {
    const between = renewed({ names: all.slice(0, 2), begin: days(-200) });
    const last = renewed({ names: all.slice(0, 2) });
    expect(found(await files({ '1.pem': old, '2.pem': between, '3.pem': last }))).toEqual([]);
  });

  it('sees it where a name was exchanged for another', async () => {
    const exchanged = renewed({ names: ['expe1.example.com', 'chat.example.com'] });
    expect(found(await files({ 'old.pem': old, 'new.pem': exchanged }))).toEqual(['RENEWAL_LOST D27 warning new.pem']);
  });

  it('sees it where the common name became that of the cluster (X14.0)', async () => {
    const cluster = peerCertificate(holder('expe.example.com'), m.issuing, { names: all.slice(0, 2) });
    expect(found(await files({ 'old.pem': old, 'new.pem': cluster }))).toEqual(['RENEWAL_LOST D27 warning new.pem']);
  });

  it('goes by the name of the authority where the certificates name no key of it', async () => {
    const elsewhere = renewed({ keyIdentifiers: false }, holder('Example UC Issuing CA 2'));
    expect(found(await files({ 'old.pem': old, 'new.pem': elsewhere }))).toEqual([
      'RENEWAL_AUTHORITY_CHANGED D27 warning new.pem',
    ]);
    expect(found(await files({ 'old.pem': old, 'new.pem': renewed({ keyIdentifiers: false }) }))).toEqual([]);
  });

  it('is not hidden by what the new trust list makes of the old certificate', async () => {
    const second = holder('Example UC Issuing CA 2');
    const key = newKey();
    const artefacts = await files({
      'server.pem': renewed({}, second, key),
      'privatekey.pem': keyPem(key),
      'ca.pem': m.rootPem + authorityCertificate(second, m.root),
      'old.pem': old,
    });
    expect(found(artefacts)).toEqual(['RENEWAL_AUTHORITY_CHANGED D27 warning server.pem']);
  });
});

describe('a certificate that was replaced', () => {
  const faulty = peerCertificate(m.peer, m.issuing, {
    algorithm: ecdsaWithSha1,
    publicKey: rsaPublicKey(1024),
    names: [],
    usages: [],
    begin: days(-400),
    end: days(-35),
  });
  const healthy = bundle(m);

  it('is not examined any more, beside the new one or in an archive with all that was loaded with it', async () => {
    expect(found(await files({ ...healthy, 'expe1/old.pem': faulty }))).toEqual([]);
    const past = { thisUpdate: days(-60), nextUpdate: days(-40) };
    const archive = {
      'expe1/archive/server.cer': derOf(faulty),
      'expe1/archive/privatekey.pem': privateKeyPem(newKey(), new Secret('secret')).reveal().trimEnd(),
      'expe1/archive/ca.pem': m.rootPem + authorityCertificate(m.issuing, m.root, { end: days(-35) }),
      'expe1/archive/crl.pem': revocationList(m.issuing, past),
      'expe1/archive/request.csr': 'damaged',
    };
    expect(found(await files({ ...healthy, ...archive }))).toEqual([]);
  });

  it('does not hide the authorities that are trusted below its folder', async () => {
    const ca = m.rootPem + authorityCertificate(m.issuing, m.root, { begin: days(-90), end: days(-1) });
    const artefacts = await files({
      'site/server.pem': faulty,
      'site/ca.pem': ca,
      'site/new/server.pem': healthy['expe1/server.pem'] ?? '',
    });
    expect(found(artefacts)).toEqual(['CERTIFICATE_EXPIRED - error site/ca.pem']);
  });

  it('is examined all the same while it is served', async () => {
    const artefacts = [...(await files(healthy)), served('expe1.example.com:5061', [], faulty, m.issuingPem)];
    expect(found(artefacts)).toContain('CERTIFICATE_SHA1 D30 error expe1.example.com:5061');
  });

  it('is not that of another peer of the cluster, whose renewal is to come', async () => {
    const peer = (name: string, change: PeerChange) =>
      peerCertificate(holder('expe.example.com'), m.issuing, {
        names: [`${name}.example.com`, 'expe.example.com'],
        ...change,
      });
    const past = { begin: days(-400), end: days(-1) };
    for (const [one, two] of [['expe1', 'expe2'] as const, ['alpha', 'bravo'] as const])
      expect(found(await files({ 'a/server.pem': peer(one, {}), 'b/server.pem': peer(two, past) }))).toEqual([
        'CERTIFICATE_EXPIRED - error b/server.pem',
      ]);
  });

  it('is not that of a peer with the same names that was issued on the same day', async () => {
    const names = ['expe1.example.com', 'expe2.example.com', 'expe.example.com'];
    const one = peerCertificate(holder('expe.example.com'), m.issuing, { names, usages: [] });
    const two = peerCertificate(holder('expe.example.com'), m.issuing, { names, begin: days(-20) });
    expect(found(await files({ 'a/server.pem': one, 'b/server.pem': two }))).toEqual([
      'USAGE_NOT_STATED D14 warning a/server.pem',
    ]);
  });

  it('is not that of a peer in the same folder that was issued with it', async () => {
    const peer = (name: string, change: PeerChange) =>
      peerCertificate(holder('expe.example.com'), m.issuing, {
        names: [`${name}.example.com`, 'expe.example.com'],
        ...change,
      });
    const together = { 'alpha.pem': peer('alpha', { usages: [] }), 'bravo.pem': peer('bravo', { begin: days(-20) }) };
    expect(found(await files(together))).toEqual(['USAGE_NOT_STATED D14 warning alpha.pem']);
  });
});
