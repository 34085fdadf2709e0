import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { leafExtensions } from '../../src/authority/profile.ts';
import { type Certificate, encodeSigned, encodeTbsCertificate, readCertificate } from '../../src/x509/certificate.ts';
import { keyIdentifier, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { encodeName } from '../../src/x509/name.ts';
import { signatureAlgorithmFor, signBytes } from '../../src/x509/signature.ts';

export function ecKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** A certificate of `name` for `key`, signed with the key itself. */
export function signedCertificate(
  serialNumber: bigint,
  name: string,
  notBefore: Date,
  key: KeyObject,
  names: readonly string[] = [name],
): Certificate {
  const publicKey = subjectPublicKeyInfo(key);
  const algorithm = signatureAlgorithmFor(publicKey);
  const subject = encodeName({ commonName: name });
  const tbs = encodeTbsCertificate(
    {
      serialNumber,
      issuer: subject,
      subject,
      notBefore,
      notAfter: new Date(notBefore.getTime() + 30 * 24 * 3600 * 1000),
      subjectPublicKeyInfo: publicKey,
      extensions: leafExtensions({
        subjectPublicKeyInfo: publicKey,
        issuerKeyIdentifier: keyIdentifier(publicKey),
        names,
        usages: ['serverAuth', 'clientAuth'],
        endpoints: {},
      }),
    },
    algorithm,
  );
  return readCertificate(encodeSigned(tbs, algorithm, signBytes(key, tbs)), name);
}
