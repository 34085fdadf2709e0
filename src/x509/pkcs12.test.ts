import { generateKeyPairSync } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { describe, expect, it } from 'vitest';
import { Secret } from '../secret.ts';
import { encodeSigned, encodeTbsCertificate } from './certificate.ts';
import { DerReader, Tag } from './der.ts';
import { subjectPublicKeyInfo } from './keys.ts';
import { encodeName } from './name.ts';
import { encodePkcs12 } from './pkcs12.ts';
import { signatureAlgorithmFor, signBytes } from './signature.ts';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(key));
const tbs = encodeTbsCertificate(
  {
    serialNumber: 1n,
    issuer: encodeName({ commonName: 'a' }),
    subject: encodeName({ commonName: 'a' }),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
    subjectPublicKeyInfo: subjectPublicKeyInfo(key),
    extensions: [],
  },
  algorithm,
);
const certificate = encodeSigned(tbs, algorithm, signBytes(key, tbs));

describe('PKCS #12', () => {
  it('opens with its password; its octet strings are primitive, its salts have 16 bytes', async () => {
    const content = { key, certificate, chain: [certificate], friendlyName: 'Ekspress æ' };
    const der = await encodePkcs12(content, new Secret('pässword'));

    // Strict DER throughout: Windows refuses constructed octet strings, GnuTLS salts of another length.
    const pfx = DerReader.open(der, 'x').enter(Tag.sequence, 'PFX');
    expect(pfx.integer('version')).toBe(3n);
    const data = pfx.enter(Tag.sequence, 'authSafe');
    expect(data.oid('content type')).toBe('1.2.840.113549.1.7.1');
    const safe = data.enter(0xa0, 'content').next(Tag.octetString, 'content').content;
    expect(() => DerReader.open(safe, 'x')).not.toThrow();
    const mac = pfx.enter(Tag.sequence, 'macData');
    mac.next(Tag.sequence, 'digest');
    expect(mac.next(Tag.octetString, 'salt').content).toHaveLength(16);
    expect(mac.integer('iterations')).toBe(600_000n);
    const salts = [...safe.toString('hex').matchAll(/06092a864886f70d01050c30..04(..)/g)].map(([, length]) => length);
    expect(salts).toEqual(['10', '10']);

    // A second reader: pkijs opens both bags.
    const parsed = pkijs.AuthenticatedSafe.fromBER(new Uint8Array(safe).buffer);
    const password = new Uint8Array(Buffer.from('pässword')).buffer;
    await parsed.parseInternalValues({ safeContents: [{ password }, {}] });
    const [certificates, keys] = (parsed.parsedValue?.safeContents ?? []).map(
      ({ value }: { value: pkijs.SafeContents }) => value.safeBags,
    );
    expect(certificates).toHaveLength(2);
    const [shrouded] = keys;
    await shrouded.bagValue.parseInternalValues({ password });
    const pkcs8 = Buffer.from(shrouded.bagValue.parsedValue.toSchema().toBER());
    expect(pkcs8.equals(key.export({ type: 'pkcs8', format: 'der' }))).toBe(true);
    expect(shrouded.bagAttributes[0].values[0]).toBeInstanceOf(asn1js.BmpString);
    expect(shrouded.bagAttributes[0].values[0].valueBlock.value).toBe('Ekspress æ');
  });

  it('I6: refuses a key that is not that of the certificate', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const content = { key: other, certificate, chain: [], friendlyName: 'expe1' };
    await expect(encodePkcs12(content, new Secret('x'))).rejects.toMatchObject({ code: 'KEY_MISMATCH', at: 'expe1' });
  });
});
