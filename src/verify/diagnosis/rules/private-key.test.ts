import { describe, expect, it } from 'vitest';
import { Secret } from '../../../secret.ts';
import { privateKeyPem } from '../../../x509/keys.ts';
import { examine } from '../examine.ts';
import {
  bundle,
  days,
  directory,
  files,
  found,
  holder,
  keyPem,
  material,
  newKey,
  now,
  peerCertificate,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const protectedKey = privateKeyPem(m.peer.key, new Secret('secret')).reveal();
const plainKey = keyPem(m.peer.key);

describe('D04, requirement 37: no password on the key', () => {
  it('refuses a key in PKCS #8 under a password', async () => {
    const artefacts = await files({ ...healthy, 'expe1/privatekey.pem': protectedKey });
    expect(found(artefacts)).toEqual(['KEY_UNDER_PASSWORD D04 error expe1/privatekey.pem']);
  });

  it('has it written to another file: onto its own openssl writes nothing', async () => {
    const artefacts = await files({ ...healthy, 'expe1/privatekey.pem': protectedKey });
    expect(examine({ artefacts, now }).findings[0]?.fix).toBe(
      'openssl pkey -in privatekey.pem -out privatekey-plain.pem',
    );
  });

  it('refuses one in the form and with the spaces that the guides print', async () => {
    const printed = plainKey
      .replaceAll('PRIVATE KEY', 'RSA PRIVATE KEY')
      .replace('\n', '\nProc-Type: 4, ENCRYPTED\nDEK-Info: DES-EDE3-CBC, 0123456789ABCDEF\n\n');
    const artefacts = await files({ ...healthy, 'expe1/privatekey.pem': printed });
    expect(found(artefacts)).toEqual(['KEY_UNDER_PASSWORD D04 error expe1/privatekey.pem']);
  });

  it('requirement 87: says nothing while the decrypted key lies beside it', async () => {
    expect(found(await files({ ...healthy, 'expe1/priv_e.pem': protectedKey }))).toEqual([]);
  });

  it('requirement 71: wants the key of an authority just so', async () => {
    const ca = directory('demoCA', { index: [], newCertificates: [] });
    const artefacts = await files({ 'demoCA/cacert.pem': m.rootPem, 'demoCA/private/root.pem': protectedKey });
    expect(found([ca, ...artefacts])).toEqual([]);
    expect(found(await files({ 'ca.crt': m.rootPem, 'ca.key': protectedKey }))).toEqual([]);
  });
});

describe('D03, requirement 40: the key file ends with a newline', () => {
  it('refuses one that does not; on X7.2, whose guide is silent, it warns', async () => {
    const artefacts = await files({ ...healthy, 'expe1/privatekey.pem': plainKey.trimEnd() });
    expect(found(artefacts)).toEqual(['KEY_NEWLINE_MISSING D03 error expe1/privatekey.pem']);
    expect(found(artefacts, 'X7.2')).toContain('KEY_NEWLINE_MISSING D03 warning expe1/privatekey.pem');
  });

  it('does not care about the key of a certificate that was replaced', async () => {
    const next = newKey();
    const renewed = {
      'server.pem': peerCertificate(holder(m.peer.name, next), m.issuing),
      'privatekey.pem': keyPem(next),
      'server-2025.pem': peerCertificate(m.peer, m.issuing, { begin: days(-300), end: days(60) }),
      'key-2025.pem': plainKey.trimEnd(),
    };
    expect(found(await files(renewed))).toEqual([]);
  });

  it('does not care about certificates, nor about the keys of authorities', async () => {
    const server = (healthy['expe1/server.pem'] ?? '').trimEnd();
    expect(found(await files({ ...healthy, 'expe1/server.pem': server }))).toEqual([]);
    const authority = { 'ca.crt': m.rootPem, 'root.pem': keyPem(m.root.key).trimEnd() };
    expect(found(await files(authority))).toEqual([]);
  });
});
