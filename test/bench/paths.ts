import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { PathFinder } from '../../src/verify/path/find-path.ts';
import { pathCertificate, pathCrl } from '../../src/verify/path/path-certificate.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { basicConstraints, keyUsage, subjectAlternativeName } from '../../src/x509/extensions.ts';
import { encodeName } from '../../src/x509/name.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { certify, crl, type Entity, now } from '../support/random-pki.ts';
import { tool } from '../support/tools.ts';

/** Root, intermediate and leaf, and the lists of both authorities. */
interface Chain {
  readonly root: Buffer;
  readonly intermediate: Buffer;
  readonly crls: readonly Buffer[];
  readonly leaves: readonly Buffer[];
}

const leafCount = 1000;

/** Paths validated per second, with a list for each certificate, by ours, by pkijs and by a process of openssl. */
export async function benchPaths(say: (line: string) => void): Promise<void> {
  say('\nPath validations per second: root, intermediate, leaf, and a list of each authority (goal: 5 times pkijs)');
  pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto }));
  const openssl = tool('openssl');
  for (const [name, makeKey] of Object.entries(keyMakers)) {
    const chain = makeChain(makeKey);
    say(`  ${name}`);
    for (const [what, read] of [
      ['each leaf with everything read anew', 'anew'],
      ['each leaf with authorities and lists read once', 'once'],
    ] as const) {
      const ours = validateOurs(chain, read);
      const theirs = await validateWithPkijs(chain, read);
      say(
        `    ${what}: vcs-pki ${ours.toFixed(0)}, pkijs ${theirs.toFixed(0)}, ${(ours / theirs).toFixed(1)} times as fast`,
      );
    }
    if (!openssl) say('    skipped: openssl verify needs openssl');
    else say(`    openssl verify, a process each: ${validateWithOpenssl(openssl, chain, 50).toFixed(0)}`);
  }
}

const keyMakers = {
  'RSA-2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'EC P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
};

function makeChain(makeKey: () => KeyObject): Chain {
  const entity = (commonName: string): Entity => ({ name: encodeName({ commonName }), key: makeKey() });
  const [root, issuing, peer] = [entity('Root'), entity('Issuing'), entity('Peer')];
  const authority = [basicConstraints({ authority: true }), keyUsage(['keyCertSign', 'cRLSign'])];
  const leaf = [keyUsage(['digitalSignature']), subjectAlternativeName(['expe.example.com'])];
  return {
    root: certify({ serial: 1n, subject: root, issuer: root, extensions: authority }),
    intermediate: certify({ serial: 2n, subject: issuing, issuer: root, extensions: authority }),
    crls: [root, issuing].map((issuer) => crl(issuer, { entries: [{ serial: 999n }] })),
    leaves: Array.from({ length: leafCount }, (_, index) =>
      certify({ serial: BigInt(1000 + index), subject: peer, issuer: issuing, extensions: leaf }),
    ),
  };
}

function validateOurs(chain: Chain, read: 'anew' | 'once'): number {
  const finder = () =>
    new PathFinder({
      anchors: [pathCertificate(readCertificate(chain.root, 'root'))],
      intermediates: [pathCertificate(readCertificate(chain.intermediate, 'intermediate'))],
      crls: chain.crls.map((der) => pathCrl(readCrl(der, 'list'))),
    });
  const shared = finder();
  const validate = (leaf: Buffer) => {
    const target = pathCertificate(readCertificate(leaf, 'leaf'));
    const options = { at: now, revocation: 'all' as const };
    return (read === 'once' ? shared : finder()).find(target, options).valid;
  };
  if (!chain.leaves.slice(0, 200).every(validate)) throw new Error('vcs-pki does not accept the path');
  const started = performance.now();
  for (const leaf of chain.leaves) validate(leaf);
  return rate(chain.leaves.length, started);
}

async function validateWithPkijs(chain: Chain, read: 'anew' | 'once'): Promise<number> {
  const certificate = (der: Buffer) => pkijs.Certificate.fromBER(bufferOf(der));
  const list = (der: Buffer) => new pkijs.CertificateRevocationList({ schema: asn1js.fromBER(bufferOf(der)).result });
  const surroundings = () => ({
    root: certificate(chain.root),
    intermediate: certificate(chain.intermediate),
    crls: chain.crls.map(list),
  });
  const shared = surroundings();
  const validate = async (leaf: Buffer) => {
    const { root, intermediate, crls } = read === 'once' ? shared : surroundings();
    const engine = new pkijs.CertificateChainValidationEngine({
      trustedCerts: [root],
      certs: [intermediate, certificate(leaf)],
      crls,
      checkDate: now,
    });
    const { result, resultMessage } = await engine.verify();
    if (!result) throw new Error(`pkijs does not accept the path: ${resultMessage}`);
  };
  const leaves = chain.leaves.slice(0, 100);
  for (const leaf of leaves.slice(0, 20)) await validate(leaf);
  const started = performance.now();
  for (const leaf of leaves) await validate(leaf);
  return rate(leaves.length, started);
}

function validateWithOpenssl(openssl: string, chain: Chain, count: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-bench-'));
  try {
    const write = (name: string, label: string, ders: readonly Buffer[]) => {
      writeFileSync(join(folder, name), ders.map((der) => encodePem(label, der)).join(''));
      return join(folder, name);
    };
    const args = [
      ...['verify', '-crl_check_all', '-attime', String(now.getTime() / 1000)],
      ...['-CAfile', write('root.pem', 'CERTIFICATE', [chain.root])],
      ...['-untrusted', write('intermediate.pem', 'CERTIFICATE', [chain.intermediate])],
      ...['-CRLfile', write('crls.pem', 'X509 CRL', chain.crls)],
      write('leaf.pem', 'CERTIFICATE', chain.leaves.slice(0, 1)),
    ];
    const started = performance.now();
    for (let index = 0; index < count; index++) execFileSync(openssl, args, { stdio: 'ignore' });
    return rate(count, started);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bufferOf(der: Buffer): ArrayBuffer {
  return new Uint8Array(der).buffer;
}

function rate(count: number, started: number): number {
  return (count * 1000) / (performance.now() - started);
}
