import { createHmac, type KeyObject, randomBytes } from 'node:crypto';
import type { Attribute } from 'pkijs';
import { VcsPkiError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { readCertificate } from './certificate.ts';
import { encodeDer, octetString, Tag } from './der.ts';
import { keyIdentifier, subjectPublicKeyInfo } from './keys.ts';
import { type Encrypted, encryptPbes2, PBKDF2_ITERATIONS, SALT_OCTETS } from './pbes2.ts';
import { bmpPassword, derivePkcs12Key, digestOctets, KeyPurpose } from './pkcs12-kdf.ts';

export interface Pkcs12Content {
  readonly key: KeyObject;
  /** The certificate of the key, as DER. */
  readonly certificate: Buffer;
  /** Its issuers, from its own to the root, as DER. */
  readonly chain: readonly Buffer[];
  readonly friendlyName: string;
}

/**
 * A PKCS #12 file (RFC 7292): key and certificates each under PBES2, the whole under an HMAC-SHA256, all with 600,000
 * iterations and 16-byte salts; takes a second or two. Fails with KEY_MISMATCH when the key is not that of the certificate.
 */
export async function encodePkcs12(content: Pkcs12Content, password: Secret<string>): Promise<Buffer> {
  const pkijs = await import('pkijs');
  const asn1js = await import('asn1js');
  const spki = subjectPublicKeyInfo(content.key);
  if (!readCertificate(content.certificate, content.friendlyName).subjectPublicKeyInfo.equals(spki))
    throw new VcsPkiError('KEY_MISMATCH', {
      at: content.friendlyName,
      message: 'the certificate does not belong to this private key',
      fix: 'put the certificate together with the key that its request was made with',
    });

  const algorithm = ({ algorithm }: Encrypted) =>
    new pkijs.AlgorithmIdentifier({ schema: asn1js.fromBER(algorithm).result });
  const asOctets = (bytes: Uint8Array) => new asn1js.OctetString({ valueHex: toArrayBuffer(bytes) });
  const attribute = (type: string, value: Buffer) =>
    new pkijs.Attribute({ type, values: [asn1js.fromBER(value).result] });
  const certificateBag = (der: Buffer, bagAttributes?: Attribute[]) =>
    new pkijs.SafeBag({
      bagId: '1.2.840.113549.1.12.10.1.3',
      bagValue: new pkijs.CertBag({ certId: '1.2.840.113549.1.9.22.1', certValue: asOctets(der) }),
      ...(bagAttributes && { bagAttributes }),
    });

  // localKeyId is what links the key to its certificate.
  const names = [
    attribute('1.2.840.113549.1.9.20', bmpString(content.friendlyName)),
    attribute('1.2.840.113549.1.9.21', octetString(keyIdentifier(spki))),
  ];
  const certificates = new pkijs.SafeContents({
    safeBags: [certificateBag(content.certificate, names), ...content.chain.map((der) => certificateBag(der))],
  });
  const pkcs8 = content.key.export({ type: 'pkcs8', format: 'der' });
  const encryptedKey = await encryptPbes2(pkcs8, password.reveal());
  pkcs8.fill(0);
  const encryptedCertificates = await encryptPbes2(toBuffer(certificates.toSchema()), password.reveal());
  const key = new pkijs.SafeContents({
    safeBags: [
      new pkijs.SafeBag({
        bagId: '1.2.840.113549.1.12.10.1.2',
        bagValue: new pkijs.PKCS8ShroudedKeyBag({
          encryptionAlgorithm: algorithm(encryptedKey),
          encryptedData: asOctets(encryptedKey.ciphertext),
        }),
        bagAttributes: names,
      }),
    ],
  });
  // Without disableSplit pkijs writes a constructed OCTET STRING, which Windows refuses.
  const encryptedContentInfo = new pkijs.EncryptedContentInfo({
    contentType: pkijs.ContentInfo.DATA,
    contentEncryptionAlgorithm: algorithm(encryptedCertificates),
    encryptedContent: asOctets(encryptedCertificates.ciphertext),
    disableSplit: true,
  });
  const data = (bytes: Buffer) =>
    new pkijs.ContentInfo({ contentType: pkijs.ContentInfo.DATA, content: asOctets(bytes) });
  const authenticatedSafe = new pkijs.AuthenticatedSafe({
    safeContents: [
      new pkijs.ContentInfo({
        contentType: pkijs.ContentInfo.ENCRYPTED_DATA,
        content: new pkijs.EncryptedData({ encryptedContentInfo }).toSchema(),
      }),
      data(toBuffer(key.toSchema())),
    ],
  });
  const authenticated = toBuffer(authenticatedSafe.toSchema());
  const macSalt = randomBytes(SALT_OCTETS);
  const macKey = await derivePkcs12Key({
    purpose: KeyPurpose.mac,
    digest: 'sha256',
    password: bmpPassword(password.reveal()),
    salt: macSalt,
    iterations: PBKDF2_ITERATIONS,
    length: digestOctets.sha256,
  });
  const pfx = new pkijs.PFX({
    version: 3,
    authSafe: data(authenticated),
    macData: new pkijs.MacData({
      mac: new pkijs.DigestInfo({
        digestAlgorithm: new pkijs.AlgorithmIdentifier({
          algorithmId: '2.16.840.1.101.3.4.2.1',
          algorithmParams: new asn1js.Null(),
        }),
        digest: asOctets(createHmac('sha256', macKey).update(authenticated).digest()),
      }),
      macSalt: asOctets(macSalt),
      iterations: PBKDF2_ITERATIONS,
    }),
  });
  return toBuffer(pfx.toSchema());
}

function bmpString(text: string): Buffer {
  return encodeDer(Tag.bmpString, Buffer.from(text, 'utf16le').swap16());
}

function toBuffer(value: { toBER(): ArrayBuffer }): Buffer {
  return Buffer.from(value.toBER());
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
