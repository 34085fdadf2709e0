import { describe, expect, it } from 'vitest';
import {
  authorityCertificate,
  bundle,
  days,
  files,
  found,
  holder,
  keyPem,
  material,
  newKey,
  type PeerChange,
  peerCertificate,
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
});
