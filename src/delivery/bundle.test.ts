import { createPublicKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, clusterSchema } from '../topology/schema.ts';
import { type Certificate, encodeSigned, encodeTbsCertificate, readCertificate } from '../x509/certificate.ts';
import { subjectAlternativeName } from '../x509/extensions.ts';
import { generatePrivateKey, privateKeyPem, subjectPublicKeyInfo } from '../x509/keys.ts';
import { encodeName } from '../x509/name.ts';
import { decodePem } from '../x509/pem.ts';
import { signatureAlgorithmFor, signBytes } from '../x509/signature.ts';
import { bundleFiles } from './bundle.ts';
import type { BundleContent } from './bundle-content.ts';

let content: BundleContent;

async function selfSigned(
  commonName: string,
): Promise<{ certificate: Certificate; key: Awaited<ReturnType<typeof generatePrivateKey>> }> {
  const key = await generatePrivateKey('ec-p256');
  const spki = subjectPublicKeyInfo(createPublicKey(key));
  const algorithm = signatureAlgorithmFor(spki);
  const tbs = encodeTbsCertificate(
    {
      serialNumber: 0x4a01n,
      issuer: encodeName({ commonName }),
      subject: encodeName({ commonName }),
      notBefore: new Date('2026-11-21T00:00:00Z'),
      notAfter: new Date('2027-11-21T00:00:00Z'),
      subjectPublicKeyInfo: spki,
      extensions: [subjectAlternativeName([commonName])],
    },
    algorithm,
  );
  return { certificate: readCertificate(encodeSigned(tbs, algorithm, signBytes(key, tbs)), commonName), key };
}

const cluster = (change: object = {}): Cluster =>
  clusterSchema.parse({
    id: 'core',
    product: 'expressway-c',
    release: 'X8.1',
    issuer: 'ca',
    clusterName: 'expc.example.com',
    peers: [
      { id: 'expc1', hostName: 'expc1', domain: 'example.com' },
      { id: 'expc2', hostName: 'expc2', domain: 'example.com' },
    ],
    ...change,
  });

beforeAll(async () => {
  const { certificate, key } = await selfSigned('expc1.example.com');
  const { certificate: ca } = await selfSigned('ca.example.com');
  const declared = cluster();
  const [peer] = declared.peers;
  if (!peer) throw new Error('the cluster has peers');
  content = {
    cluster: declared,
    peer,
    certificate,
    key: privateKeyPem(key),
    trusted: [ca],
    crls: [Buffer.from('300a')],
    crlUrls: ['http://pki.example.com/crl/ca.crl'],
  };
});

const text = (name: string, from: BundleContent = content) =>
  bundleFiles(from)
    .find((file) => file.name === name)
    ?.content.reveal()
    .toString() ?? '';

describe('an upload bundle', () => {
  it('D26: has the leaf alone in server.pem, and requirement 49 its issuers in ca.pem', () => {
    expect(decodePem(text('server.pem'), 'server.pem')).toHaveLength(1);
    expect(decodePem(text('ca.pem'), 'ca.pem').map(({ der }) => readCertificate(der, 'ca').subject.commonName)).toEqual(
      ['ca.example.com'],
    );
  });

  it('requirements 37 and 40: has the key unencrypted and ending in a newline, for its owner only', () => {
    const key = bundleFiles(content).find((file) => file.name === 'privatekey.pem');
    expect(text('privatekey.pem')).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\s\S]*\n-----END PRIVATE KEY-----\n$/);
    expect(key?.mode).toBe(0o600);
    expect(JSON.stringify(bundleFiles(content))).not.toContain('PRIVATE KEY');
  });

  it('requirement 36: has no key where the request was made on the appliance', () => {
    const without = { ...content, key: undefined };
    expect(bundleFiles(without).map(({ name }) => name)).toEqual(['README.txt', 'ca.pem', 'server.pem', 'crl.pem']);
    expect(text('README.txt', without)).toContain('choose no key file');
  });
});

describe('its README.txt', () => {
  it('D06: loads the trust list before the certificate', () => {
    const readme = text('README.txt');
    expect(readme.indexOf('Trusted authorities')).toBeLessThan(readme.indexOf('Server certificate and key'));
  });

  it('requirements 31, 43, 44 and 47: speaks the menu words of X8.1, where uploads append and old entries are deleted', () => {
    const readme = text('README.txt');
    expect(readme).toContain('Maintenance > Security certificates > Server certificate');
    expect(readme).toContain('click Append CA certificate');
    expect(readme).toContain('click Delete');
  });

  it('requirements 31 and 43: speaks those of X7.2, where an upload replaces', () => {
    const readme = text('README.txt', { ...content, cluster: cluster({ product: 'vcs-control', release: 'X7.2' }) });
    expect(readme).toContain('Maintenance > Certificate management > Server certificate');
    expect(readme).toContain('click Upload CA certificate');
    expect(readme).toContain('REPLACES');
  });

  it('requirements 54-58: names the distribution points one per line, the daily update time, and who reads the manual file', () => {
    const readme = text('README.txt');
    expect(readme).toMatch(/^ +http:\/\/pki\.example\.com\/crl\/ca\.crl$/m);
    expect(readme).toContain('Daily update time (UTC): 06:00');
    expect(readme).toContain('External policy servers are checked against manually loaded lists only');
  });

  it('requirement 29: restarts, in a cluster the primary first', () => {
    expect(text('README.txt')).toMatch(/Restart[\s\S]*the primary first, then one peer at a time/);
  });
});
