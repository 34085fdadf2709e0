import 'reflect-metadata';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/secret.ts';
import {
  encodeSigned,
  encodeTbsCertificate,
  fingerprint,
  isIssuedBy,
  readCertificate,
  serialHex,
} from '../../src/x509/certificate.ts';
import { crlIsSignedBy, encodeTbsCrl, readCrl, revocationReasons } from '../../src/x509/crl.ts';
import { encodeDer, oid, sequence, Tag } from '../../src/x509/der.ts';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  type Extension,
  extendedKeyUsage,
  keyUsage,
  subjectAlternativeName,
  subjectKeyIdentifier,
} from '../../src/x509/extensions.ts';
import {
  generatePrivateKey,
  keyIdentifier,
  keyTypes,
  parsePrivateKey,
  privateKeyPem,
  subjectPublicKeyInfo,
} from '../../src/x509/keys.ts';
import { encodeName, readName, slashName } from '../../src/x509/name.ts';
import { decodeDerOrPem, encodePem } from '../../src/x509/pem.ts';
import { encodePkcs12 } from '../../src/x509/pkcs12.ts';
import { createRequest, readRequest } from '../../src/x509/request.ts';
import { signatureAlgorithmFor, signBytes } from '../../src/x509/signature.ts';
import { describeWithTool, run } from '../support/tools.ts';

/** What other programs make of what vcs-pki encodes, and it of what they encode. */

const rootName = encodeName({ country: 'NO', organization: 'Example, Ærlig', commonName: 'Example Root CA' });
const authorityName = encodeName({ country: 'NO', organization: 'Example, Ærlig', commonName: 'Example UC CA' });
const peerName = encodeName({ commonName: 'expe1.example.com' });
const dnsNames = ['expe1.example.com', 'expe.example.com', 'example.com'];
const day = 86_400_000;
const now = new Date(Math.trunc(Date.now() / 1000) * 1000);
const later = (days: number) => new Date(now.getTime() + days * day);
/** Beyond 2050, so GeneralizedTime, on any day that this runs. */
const end = later(25 * 366);
const password = new Secret('correct horse');

const identifierOf = (key: KeyObject) => keyIdentifier(subjectPublicKeyInfo(key));

function sign(tbs: (algorithm: ReturnType<typeof signatureAlgorithmFor>) => Buffer, key: KeyObject): Buffer {
  const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(key));
  const bytes = tbs(algorithm);
  return encodeSigned(bytes, algorithm, signBytes(key, bytes));
}

interface Issue {
  readonly serialNumber: bigint;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly key: KeyObject;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Extension[];
}

function issue({ key, issuerKey, extensions, ...names }: Issue): Buffer {
  const content = {
    ...names,
    notBefore: now,
    notAfter: end,
    subjectPublicKeyInfo: subjectPublicKeyInfo(key),
    extensions: [
      ...extensions,
      subjectKeyIdentifier(identifierOf(key)),
      authorityKeyIdentifier(identifierOf(issuerKey)),
    ],
  };
  return sign((algorithm) => encodeTbsCertificate(content, algorithm), issuerKey);
}

/** A root, an authority under it, one good and one revoked peer, and the CRLs of both authorities: all keys of one type. */
async function makeChain(type: (typeof keyTypes)[number]) {
  const rootKey = await generatePrivateKey(type);
  const authorityKey = await generatePrivateKey(type);
  const peerKey = await generatePrivateKey(type);
  const asAuthority = (pathLength?: number) => [
    basicConstraints({ authority: true, pathLength }),
    keyUsage(['keyCertSign', 'cRLSign']),
  ];
  const asPeer = [
    basicConstraints({ authority: false }),
    keyUsage(['digitalSignature']),
    extendedKeyUsage(['serverAuth', 'clientAuth']),
    subjectAlternativeName(dnsNames),
    crlDistributionPoints(['http://pki.example.com/uc.crl']),
    authorityInfoAccess({ caIssuers: ['http://pki.example.com/uc.cer'], ocsp: ['http://ocsp.example.com/'] }),
  ];
  const root = issue({
    serialNumber: 1n,
    issuer: rootName,
    subject: rootName,
    key: rootKey,
    issuerKey: rootKey,
    extensions: asAuthority(),
  });
  const authority = issue({
    serialNumber: 0x7fn,
    issuer: rootName,
    subject: authorityName,
    key: authorityKey,
    issuerKey: rootKey,
    extensions: asAuthority(0),
  });
  const peer = (serialNumber: bigint) =>
    issue({
      serialNumber,
      issuer: authorityName,
      subject: peerName,
      key: peerKey,
      issuerKey: authorityKey,
      extensions: asPeer,
    });
  const crl = (issuer: Buffer, key: KeyObject, serials: readonly bigint[]) =>
    sign((algorithm) => {
      const entries = serials.map((serialNumber, index) => ({
        serialNumber,
        revokedAt: now,
        reason: revocationReasons[index % revocationReasons.length],
      }));
      const authorityKeyIdentifier = identifierOf(key);
      return encodeTbsCrl(
        { issuer, thisUpdate: now, nextUpdate: later(7), crlNumber: 1n << 40n, authorityKeyIdentifier, entries },
        algorithm,
      );
    }, key);
  const peerCertificate = peer(1n << 158n);
  const revoked = Array.from({ length: 20 }, (_, index) => (1n << 126n) + BigInt(index));
  return {
    rootKey,
    authorityKey,
    peerKey,
    root,
    authority,
    peer: peerCertificate,
    revokedPeer: peer(revoked[3] ?? 0n),
    rootCrl: crl(rootName, rootKey, []),
    crl: crl(authorityName, authorityKey, revoked),
    revoked,
    request: await createRequest(peerKey, {
      subject: { commonName: 'expe1.example.com', organization: 'Example, Ærlig' },
      dnsNames,
      purposes: ['serverAuth', 'clientAuth'],
    }),
    pkcs12: await encodePkcs12(
      { key: peerKey, certificate: peerCertificate, chain: [authority, root], friendlyName: 'expe1.example.com' },
      password,
    ),
  };
}

describe.each(keyTypes)('%s', (type) => {
  let folder: string;
  let chain: Awaited<ReturnType<typeof makeChain>>;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vcs-pki-x509-'));
    chain = await makeChain(type);
    const certificate = (der: Buffer) => encodePem('CERTIFICATE', der);
    await writeFile(file('root.pem'), certificate(chain.root));
    await writeFile(file('authority.pem'), certificate(chain.authority));
    await writeFile(file('peer.pem'), certificate(chain.peer));
    await writeFile(file('revoked.pem'), certificate(chain.revokedPeer));
    await writeFile(file('chain.pem'), [chain.peer, chain.authority, chain.root].map(certificate).join(''));
    await writeFile(file('root.crl'), encodePem('X509 CRL', chain.rootCrl));
    await writeFile(file('uc.crl'), encodePem('X509 CRL', chain.crl));
    await writeFile(file('peer.csr'), encodePem('CERTIFICATE REQUEST', chain.request));
    await writeFile(file('peer.p12'), chain.pkcs12);
    await writeFile(file('peer.key'), privateKeyPem(chain.peerKey).reveal(), { mode: 0o600 });
    await writeFile(file('locked.key'), privateKeyPem(chain.peerKey, password).reveal(), { mode: 0o600 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describeWithTool('openssl', 'openssl', (openssl) => {
    const ask = (...args: string[]) => run(openssl, args);
    const strict = ['verify', '-x509_strict', '-check_ss_sig', '-crl_check_all'];
    const verify = (name: string) =>
      ask(
        ...[...strict, '-CAfile', file('root.pem'), '-untrusted', file('authority.pem')],
        ...['-CRLfile', file('root.crl'), '-CRLfile', file('uc.crl'), file(name)],
      );

    it('verifies the chain with both CRLs, strictly', async () => {
      expect(await verify('peer.pem')).toMatchObject({ code: 0, stdout: expect.stringMatching(/: OK\n$/) });
    });

    it('finds the revoked certificate revoked', async () => {
      const { code, stderr } = await verify('revoked.pem');
      expect(code).not.toBe(0);
      expect(stderr).toContain('certificate revoked');
    });

    it('verifies for both purposes and the name', async () => {
      for (const purpose of ['sslserver', 'sslclient'])
        expect(
          await ask(
            ...['verify', '-x509_strict', '-purpose', purpose, '-verify_hostname', 'expe.example.com'],
            ...['-CAfile', file('root.pem'), '-untrusted', file('authority.pem'), file('peer.pem')],
          ),
        ).toMatchObject({ code: 0 });
    });

    it('reads the same fields of a certificate', async () => {
      const { stdout } = await ask(
        ...['x509', '-in', file('peer.pem'), '-noout', '-serial', '-fingerprint', '-sha256', '-subject', '-issuer'],
        ...['-dates', '-dateopt', 'iso_8601', '-ext', 'subjectAltName,crlDistributionPoints,authorityInfoAccess'],
        ...['-nameopt', 'compat'],
      );
      const certificate = readCertificate(chain.peer, 'peer');
      expect(stdout).toContain(`serial=${serialHex(certificate.serialNumber)}\n`);
      expect(stdout).toContain(`Fingerprint=${fingerprint(chain.peer)}\n`);
      expect(stdout).toContain(`subject=${slashName(certificate.subject)}\n`);
      expect(stdout).toContain(`issuer=${slashName(certificate.issuer)}\n`);
      const shown = (date: Date) => date.toISOString().replace('T', ' ').replace('.000', '');
      expect(stdout).toContain(`notBefore=${shown(now)}\n`);
      expect(stdout).toContain(`notAfter=${shown(end)}\n`);
      expect(stdout).toContain(dnsNames.map((name) => `DNS:${name}`).join(', '));
      expect(stdout).toContain('URI:http://pki.example.com/uc.crl');
      expect(stdout).toContain('OCSP - URI:http://ocsp.example.com/');
      expect(stdout).toContain('CA Issuers - URI:http://pki.example.com/uc.cer');
    });

    it('verifies the CRL and reads its entries', async () => {
      const { code, stdout, stderr } = await ask(
        ...['crl', '-in', file('uc.crl'), '-CAfile', file('authority.pem'), '-noout', '-text'],
      );
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('verify OK') });
      for (const serial of chain.revoked) expect(stdout).toContain(`Serial Number: ${serialHex(serial)}\n`);
      expect(stdout).toContain('Key Compromise');
      expect(stdout).not.toContain('Unspecified');
      const empty = await ask('crl', '-in', file('root.crl'), '-noout', '-text');
      expect(empty.stdout).toContain('No Revoked Certificates.');
    });

    it('verifies the request and reads its names', async () => {
      const { code, stdout } = await ask('req', '-in', file('peer.csr'), '-verify', '-noout', '-text');
      expect(code).toBe(0);
      expect(stdout).toContain(dnsNames.map((name) => `DNS:${name}`).join(', '));
      expect(stdout).toContain('TLS Web Server Authentication, TLS Web Client Authentication');
    });

    it('opens the private keys', async () => {
      expect(await ask('pkey', '-in', file('peer.key'), '-check', '-noout')).toMatchObject({ code: 0 });
      const locked = ['pkey', '-in', file('locked.key'), '-check', '-noout', '-passin'];
      expect(await ask(...locked, 'pass:correct horse')).toMatchObject({ code: 0 });
      expect((await ask(...locked, 'pass:wrong')).code).not.toBe(0);
    });

    it('opens the PKCS #12 file: key, certificate and chain', async () => {
      const open = ['pkcs12', '-in', file('peer.p12'), '-noenc', '-passin'];
      const { code, stdout } = await ask(...open, 'pass:correct horse');
      expect(code).toBe(0);
      const certificates = stdout.slice(0, stdout.indexOf('Key Attributes'));
      expect(decodeDerOrPem(Buffer.from(certificates), 'CERTIFICATE', 'x')).toEqual([
        chain.peer,
        chain.authority,
        chain.root,
      ]);
      const key = parsePrivateKey(new Secret(stdout), { at: 'x' });
      expect(key.equals(chain.peerKey)).toBe(true);
      expect(stdout.match(/friendlyName: expe1\.example\.com/g)).toHaveLength(2);
      expect((await ask(...open, 'pass:wrong')).code).not.toBe(0);
    });

    it('what openssl makes is read here', async () => {
      const config = [
        '-subj',
        '/C=NO/O=Example/CN=expc1.example.com',
        '-addext',
        'subjectAltName=DNS:a.example.com,IP:10.0.0.1',
      ];
      const made = await ask('req', '-new', '-key', file('peer.key'), ...config);
      const [der = Buffer.alloc(0)] = decodeDerOrPem(Buffer.from(made.stdout), 'CERTIFICATE REQUEST', 'x');
      expect(await readRequest(der, 'x')).toMatchObject({
        subject: { commonName: 'expc1.example.com' },
        dnsNames: ['a.example.com'],
        otherNames: ['IP:10.0.0.1'],
      });
      const selfSigned = await ask('req', '-new', '-x509', '-key', file('peer.key'), ...config);
      const [own = Buffer.alloc(0)] = decodeDerOrPem(Buffer.from(selfSigned.stdout), 'CERTIFICATE', 'x');
      const certificate = readCertificate(own, 'x');
      expect(certificate).toMatchObject({ dnsNames: ['a.example.com'], basicConstraints: { authority: true } });
      expect(isIssuedBy(certificate, certificate)).toBe(true);
    });
  });

  describeWithTool('certtool', 'certtool', (certtool) => {
    const ask = (...args: string[]) => run(certtool, args);

    it('verifies the chain', async () => {
      const { code, stdout, stderr } = await ask('--verify-chain', '--infile', file('chain.pem'));
      expect({ code, output: stdout + stderr }).toMatchObject({
        code: 0,
        output: expect.stringContaining('Chain verification output: Verified.'),
      });
    });

    it('reads the certificate', async () => {
      const { code, stdout } = await ask('--certificate-info', '--infile', file('peer.pem'));
      expect(code).toBe(0);
      for (const name of dnsNames) expect(stdout).toContain(`DNSname: ${name}\n`);
      expect(stdout).toContain('TLS WWW Client.');
      expect(stdout).toContain('URI: http://pki.example.com/uc.crl');
    });

    it('verifies the CRL', async () => {
      const args = ['--verify-crl', '--load-ca-certificate', file('authority.pem'), '--infile', file('uc.crl')];
      const { code, stdout } = await ask(...args);
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('Verified.') });
      expect((await ask('--crl-info', '--infile', file('uc.crl'))).stdout).toContain('Revoked certificates (20)');
      expect((await ask('--crl-info', '--infile', file('root.crl'))).stdout).toContain('No revoked certificates');
    });

    it('reads the request', async () => {
      const { code, stdout } = await ask('--crq-info', '--infile', file('peer.csr'));
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('Self signature: verified') });
      for (const name of dnsNames) expect(stdout).toContain(`DNSname: ${name}\n`);
    });

    it('opens the PKCS #12 file and the encrypted key', async () => {
      const open = ['--p12-info', '--inder', '--infile', file('peer.p12'), '--password'];
      const { code, stdout } = await ask(...open, 'correct horse');
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('Salt size: 16') });
      expect(stdout.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(3);
      expect((await ask(...open, 'wrong')).code).not.toBe(0);
      const key = await ask('--key-info', '--infile', file('locked.key'), '--password', 'correct horse');
      expect(key.code).toBe(0);
    });
  });

  describe('@peculiar/x509', () => {
    const bytes = (value: ArrayBuffer | undefined) => Buffer.from(value ?? new ArrayBuffer(0));

    it('reads our certificate with equal fields', async () => {
      const ours = readCertificate(chain.peer, 'x');
      const theirs = new x509.X509Certificate(chain.peer);
      expect(BigInt(`0x${theirs.serialNumber}`)).toBe(ours.serialNumber);
      expect(bytes(theirs.subjectName.toArrayBuffer()).equals(ours.subject.der)).toBe(true);
      expect(bytes(theirs.issuerName.toArrayBuffer()).equals(ours.issuer.der)).toBe(true);
      expect([theirs.notBefore, theirs.notAfter]).toEqual([ours.notBefore, ours.notAfter]);
      expect(bytes(theirs.publicKey.rawData).equals(ours.subjectPublicKeyInfo)).toBe(true);
      expect(
        theirs.extensions.map(({ type, critical, value }) => ({ oid: type, critical, value: bytes(value) })),
      ).toEqual(ours.extensions);
      const names = theirs.getExtension(x509.SubjectAlternativeNameExtension)?.names.items;
      expect(names?.map(({ type, value }) => `${type}:${value}`)).toEqual(dnsNames.map((name) => `dns:${name}`));
      expect(theirs.getExtension(x509.KeyUsagesExtension)?.usages).toBe(x509.KeyUsageFlags.digitalSignature);
      const { publicKey } = new x509.X509Certificate(chain.authority);
      expect(await theirs.verify({ publicKey, signatureOnly: true })).toBe(true);
      expect(isIssuedBy(ours, readCertificate(chain.authority, 'x'))).toBe(true);
    });

    it('reads our CRL with equal fields', async () => {
      const ours = readCrl(chain.crl, 'x');
      const theirs = new x509.X509Crl(chain.crl);
      expect([theirs.thisUpdate, theirs.nextUpdate]).toEqual([ours.thisUpdate, ours.nextUpdate]);
      expect(bytes(theirs.issuerName.toArrayBuffer()).equals(ours.issuer.der)).toBe(true);
      expect(
        theirs.entries.map(({ serialNumber, revocationDate }) => [BigInt(`0x${serialNumber}`), revocationDate]),
      ).toEqual([...ours.entries()].map(({ serialNumber, revokedAt }) => [serialNumber, revokedAt]));
      expect(
        theirs.entries.map(({ reason }) => (reason === undefined ? undefined : x509.X509CrlReason[reason])),
      ).toEqual([...ours.entries()].map(({ reason }) => reason));
      const { publicKey } = new x509.X509Certificate(chain.authority);
      expect(await theirs.verify({ publicKey })).toBe(true);
      expect(crlIsSignedBy(ours, readCertificate(chain.authority, 'x'))).toBe(true);
    });
  });
});

describeWithTool('openssl', 'the subject in index.txt', (openssl) => {
  const attribute = (type: string, value: string) =>
    sequence(oid(type), encodeDer(Tag.utf8String, Buffer.from(value, 'utf8')));

  it.each([
    ['all fields', encodeName({ country: 'NO', state: 'Møre', locality: 'x', organization: 'Y', commonName: 'z' })],
    ['odd characters', encodeName({ organization: 'a=b, "c"+\\d/e', commonName: 'x y' })],
    [
      'a part of several attributes',
      sequence(
        encodeDer(Tag.set, attribute('2.5.4.10', 'a'), attribute('2.5.4.11', 'b')),
        encodeDer(Tag.set, attribute('2.5.4.3', 'c')),
      ),
    ],
    ['an unknown attribute', sequence(encodeDer(Tag.set, attribute('1.2.3.4', 'é')))],
  ])('%s: slashName writes what openssl writes', async (_, subject) => {
    const key = await generatePrivateKey('ec-p256');
    const der = issue({ serialNumber: 5n, issuer: subject, subject, key, issuerKey: key, extensions: [] });
    const args = ['x509', '-noout', '-subject', '-nameopt', 'compat'];
    const { stdout } = await run(openssl, args, { input: encodePem('CERTIFICATE', der) });
    expect(stdout).toBe(`subject=${slashName(readName(subject))}\n`);
  });
});
