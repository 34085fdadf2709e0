import { createPublicKey } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { expect } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { parseIndex } from '../../src/store/index-txt.ts';
import { isIssuedBy, readCertificate, serialHex } from '../../src/x509/certificate.ts';
import { crlIsSignedBy, readCrl } from '../../src/x509/crl.ts';
import { parsePrivateKey, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { decodePem } from '../../src/x509/pem.ts';

export type Files = ReadonlyMap<string, { readonly content: Buffer; readonly mode: number }>;

/** Certificates that somebody may have by now: material and bundles, not the ledger's own files. */
function handedOut(files: Files): { path: string; der: Buffer }[] {
  return certificatesIn(files, (path) => /\/(cert|server|cacert|ca)\.pem$/.test(path));
}

/** Serials of index.txt, with those revoked, per authority; what pending.json is still to write counts. */
export function ledgers(files: Files): Map<string, { serials: Set<string>; revoked: Set<string> }> {
  const found = new Map<string, { serials: Set<string>; revoked: Set<string> }>();
  for (const [path, { content }] of files) {
    const name = basename(path);
    if (name !== 'index.txt' && name !== 'pending.json') continue;
    const authority = basename(dirname(path));
    const ledger = found.get(authority) ?? { serials: new Set(), revoked: new Set() };
    found.set(authority, ledger);
    if (name === 'pending.json') {
      for (const { record } of JSON.parse(content.toString())) ledger.serials.add(record.serial);
      continue;
    }
    const text = content.toString();
    for (const entry of parseIndex(text.slice(0, text.lastIndexOf('\n') + 1), path)) {
      ledger.serials.add(entry.serial);
      if (entry.revocation) ledger.revoked.add(entry.serial);
    }
  }
  return found;
}

/** Every revocation list that is published, by authority. */
export function publishedLists(files: Files): Map<string, Buffer> {
  const lists = new Map<string, Buffer>();
  for (const [path, { content }] of files)
    if (/\/published\/[^.]+\.crl$/.test(path)) lists.set(basename(path, '.crl'), content);
  return lists;
}

/** What must hold of a PKI directory at every moment, also right after a crash. */
export function checkAlways(files: Files): void {
  const known = new Set([...ledgers(files).values()].flatMap(({ serials }) => [...serials]));
  for (const { path, der } of handedOut(files)) {
    expect(known, `I2: ${path} is not on record`).toContain(serialHex(readCertificate(der, path).serialNumber));
  }
  for (const [path, { content, mode }] of files) {
    if (!content.includes('PRIVATE KEY-----')) continue;
    expect(path, 'I1: a key where no key belongs').toMatch(/\/(\.?key\.pem|\.?cakey\.pem|\.?privatekey\.pem)(\.new)?$/);
    expect(mode, `I1: ${path} can be read by others`).toBe(0o600);
  }
  for (const [authority, der] of publishedLists(files)) {
    const crl = readCrl(der, authority);
    const issuer = certificatesIn(files, (path) => path.endsWith(`/authorities/${authority}/cacert.pem`))[0];
    if (issuer)
      expect(crlIsSignedBy(crl, readCertificate(issuer.der, authority)), `I5: the list of ${authority}`).toBe(true);
  }
}

/** What must hold once a run has ended well. */
export function checkAtRest(files: Files): void {
  checkAlways(files);
  const authorities = certificatesIn(files, (path) => path.endsWith('/cacert.pem')).map(({ der, path }) =>
    readCertificate(der, path),
  );
  for (const [path, { content }] of files) {
    if (!path.endsWith('/cert.pem')) continue;
    const [der] = decodePem(content.toString(), path);
    const certificate = readCertificate(der!.der, path);
    const issuer = authorities.find((candidate) => isIssuedBy(certificate, candidate));
    expect(issuer, `I6: ${path} chains to no authority`).toBeDefined();
    expect(certificate.notAfter <= issuer!.notAfter, `I6: ${path} outlives its issuer`).toBe(true);
    const key = files.get(path.replace(/cert\.pem$/, 'key.pem'));
    expect(key, `I6: ${path} has no key beside it`).toBeDefined();
    const publicKey = createPublicKey(parsePrivateKey(new Secret(key!.content.toString()), { at: path }));
    expect(subjectPublicKeyInfo(publicKey).equals(certificate.subjectPublicKeyInfo), `I6: the key beside ${path}`).toBe(
      true,
    );
  }
  for (const [authority, { revoked }] of ledgers(files)) {
    const crl = readCrl(publishedLists(files).get(authority)!, authority);
    for (const serial of revoked)
      expect(crl.find(BigInt(`0x${serial}`)), `I4: ${serial} is not on the list`).toBeDefined();
  }
}

/** Numbers of the lists that were ever published, in order of appearance. */
export class CrlHistory {
  readonly #seen = new Map<string, { der: string; number: bigint }[]>();

  /** I3: a list that was not there before has a higher number than every one before it. */
  look(files: Files): void {
    for (const [authority, der] of publishedLists(files)) {
      const seen = this.#seen.get(authority) ?? [];
      this.#seen.set(authority, seen);
      const base64 = der.toString('base64');
      if (seen.some((known) => known.der === base64)) continue;
      const number = readCrl(der, authority).crlNumber!;
      for (const known of seen) expect(number > known.number, `I3: number ${number} after ${known.number}`).toBe(true);
      seen.push({ der: base64, number });
    }
  }
}

function certificatesIn(files: Files, select: (path: string) => boolean): { path: string; der: Buffer }[] {
  return [...files].flatMap(([path, { content }]) =>
    select(path) && content.length > 0 ? decodePem(content.toString(), path).map(({ der }) => ({ path, der })) : [],
  );
}
