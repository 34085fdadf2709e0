import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { keyTypeOf } from '../../src/x509/keys.ts';
import { decodePem } from '../../src/x509/pem.ts';
import type { Project } from './project.ts';

/** Terraform would evaluate it, and a shell would not leave it alone. */
export const ORGANIZATION = `Example \${upper("x")} & Söhne`;

/** The example with what tells the ways apart if anything does: two key types, a lifetime, a name that Terraform would evaluate. */
export function declareTellingly(project: Project): void {
  project.edit(
    "subject: { commonName: 'Example UC Root CA'",
    "key: 'ec-p256',\n  subject: { commonName: 'Example UC Root CA'",
  );
  project.edit(
    "subject: { commonName: 'Example UC Issuing CA'",
    "key: 'ec-p384',\n  subject: { commonName: 'Example UC Issuing CA'",
  );
  project.edit("clusterName: 'expc.example.com'", "clusterName: 'expc.example.com',\n  key: 'ec-p256'");
  project.edit(
    "clusterName: 'expe.example.com'",
    `clusterName: 'expe.example.com',\n  lifetimeDays: 90,\n  subject: { organization: '${ORGANIZATION}' }`,
  );
}

/** The newest certificate of every demand in the PKI directory of a project. */
export function certificatesIn(project: Project): Map<string, Certificate> {
  const folder = join(project.folder, 'pki/certificates');
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('cert.pem'));
  return new Map(
    paths.sort().map((path) => {
      const [block] = decodePem(project.read(join('pki/certificates', path)), path);
      return [dirname(dirname(path)), readCertificate(block!.der, path)];
    }),
  );
}

/** Everything that a certificate says but its serial number and the bytes of its keys. */
export function facts(certificate: Certificate) {
  const { issuer, subject, notBefore, notAfter, extensions } = certificate;
  return {
    subject: subject.attributes.map(({ type, value }) => [type, value]),
    issuer: issuer.attributes.map(({ type, value }) => [type, value]),
    names: certificate.dnsNames,
    alternativeNames: certificate.alternativeNames,
    keyUsage: certificate.keyUsage,
    extendedKeyUsage: certificate.extendedKeyUsage,
    basicConstraints: certificate.basicConstraints,
    crlUrls: certificate.crlUrls,
    extensions: extensions.map(({ oid, critical }) => [oid, critical]),
    keyType: keyTypeOf(certificate.subjectPublicKeyInfo),
    signature: certificate.signatureAlgorithmName,
    lifetimeDays: (notAfter.getTime() - notBefore.getTime()) / (24 * 3600 * 1000),
  };
}
