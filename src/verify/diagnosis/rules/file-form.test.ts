import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../../../errors.ts';
import { encodeDer, integer, oid, sequence } from '../../../x509/der.ts';
import type { Artefact } from '../artefact.ts';
import {
  authorityCertificate,
  bundle,
  derOf,
  files,
  found,
  holder,
  keyPem,
  material,
  peerCertificate,
  request,
  revocationList,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const server = healthy['expe1/server.pem'] ?? '';

describe('D05, requirements 4, 36, 89: PEM alone', () => {
  it('refuses a certificate in DER under any name', async () => {
    const artefacts = await files({ ...healthy, 'expe1/server.pem': derOf(server) });
    expect(found(artefacts)).toEqual(['FILE_NOT_PEM D05 error expe1/server.pem']);
  });

  it('refuses PKCS #7', async () => {
    const certificates = encodeDer(0xa0, derOf(m.rootPem), derOf(m.issuingPem));
    const data = sequence(oid('1.2.840.113549.1.7.1'));
    const signedData = sequence(integer(1), encodeDer(0x31), data, certificates, encodeDer(0x31));
    const p7b = sequence(oid('1.2.840.113549.1.7.2'), encodeDer(0xa0, signedData));
    const artefacts = await files({ ...healthy, 'expe1/ca.pem': p7b });
    expect(found(artefacts)).toEqual(['FILE_NOT_PEM D05 error expe1/ca.pem']);
  });

  it('says nothing of a DER file whose content lies there as PEM too', async () => {
    expect(found(await files({ ...healthy, 'expe1/server.cer': derOf(server) }))).toEqual([]);
  });

  it('requirements 56, 58: a list in DER is for distribution points, not for manual upload', async () => {
    const list = derOf(revocationList(m.root));
    expect(found(await files({ 'published/root.crl': list }))).toEqual([]);
    expect(found(await files({ ...healthy, 'expe1/root.crl': list }))).toEqual([
      'FILE_NOT_PEM D05 warning expe1/root.crl',
    ]);
  });

  it('requirement 74: a request in DER is not yet what openssl ca reads', async () => {
    const pem = await request(m.peer.key, 'expe1.example.com', ['expe1.example.com']);
    expect(found(await files({ 'certcsr.der': derOf(pem) }))).toEqual(['FILE_NOT_PEM D05 warning certcsr.der']);
    expect(found(await files({ 'certcsr.der': derOf(pem), 'certcsr.pem': pem }))).toEqual([]);
  });

  it('refuses a PFX under a password, of which nothing can be read', async () => {
    const error = new VcsPkiError('KEY_ENCRYPTED', { at: 'server.pfx', message: 'it is encrypted', fix: 'a password' });
    const pfx = (path: string): Artefact => ({ path, kind: 'unreadable', error });
    expect(found([pfx('server.pfx')])).toEqual(['FILE_DAMAGED D05 error server.pfx']);
    expect(found([pfx('expe1/server.pfx'), ...(await files(healthy))])).toEqual([]);
  });
});

describe('D05: what cannot be read', () => {
  it('names the block that is damaged, and reads the others', async () => {
    const damaged = server.replace(/\n.{10}/, '\n!!!!!!!!!!');
    const artefacts = await files({ 'ca.pem': m.rootPem + damaged });
    expect(found(artefacts)).toEqual(['FILE_DAMAGED D05 error ca.pem']);
  });

  it('refuses text with the name of a certificate, and leaves a README alone', async () => {
    const text = 'Do these steps in this order.';
    expect(found(await files({ 'server.pem': text, 'README.txt': text }))).toEqual([
      'FILE_DAMAGED D05 error server.pem',
    ]);
    expect(found(await files({ ...healthy, 'expe1/README.txt': text }))).toEqual([]);
  });

  it('refuses an empty file, but for a chain without anything between certificate and root', async () => {
    expect(found(await files({ ...healthy, 'expe1/certcsr.pem': '' }))).toEqual([
      'FILE_DAMAGED D05 error expe1/certcsr.pem',
    ]);
    expect(found(await files({ ...healthy, 'expe1/chain.pem': '' }))).toEqual([]);
  });

  it('refuses what OpenSSL would skip', async () => {
    const artefacts = await files({ ...healthy, 'expe1/server.pem': `\uFEFF${server}` });
    expect(found(artefacts)).toEqual(['FILE_NOT_PLAIN D05 error expe1/server.pem']);
  });
});

describe('D26: the page for the server certificate takes it alone', () => {
  it('warns of a chain in its file', async () => {
    const artefacts = await files({ ...healthy, 'expe1/server.pem': server + m.issuingPem + m.rootPem });
    expect(found(artefacts)).toEqual(['CHAIN_IN_SERVER_FILE D26 warning expe1/server.pem']);
  });

  it('warns of what openssl pkcs12 wrote, until it is split (requirements 85 to 87)', async () => {
    const all = keyPem(m.peer.key) + server + m.rootPem + m.issuingPem;
    const artefacts = await files({ 'all.pem': all, 'ca.pem': m.rootPem + m.issuingPem });
    expect(found(artefacts)).toEqual(['CHAIN_IN_SERVER_FILE D26 warning all.pem']);
    expect(found(await files({ ...healthy, 'expe1/all.pem': all }))).toEqual([]);
  });

  it('accepts authorities in one file', async () => {
    const other = authorityCertificate(holder('Another Root'));
    expect(found(await files({ 'ca.pem': m.rootPem + m.issuingPem + other }))).toEqual([]);
    expect(found(await files({ 'server.pem': peerCertificate(m.peer, m.issuing) }))).toEqual([]);
  });
});
