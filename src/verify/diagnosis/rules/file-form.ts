import { basename, dirname, extname } from 'node:path';
import type { VcsPkiError } from '../../../errors.ts';
import type { Content } from '../../../x509/contents.ts';
import { subjectPublicKeyInfo } from '../../../x509/keys.ts';
import type { Artefact } from '../artefact.ts';
import { isNamedChain } from '../folders.ts';
import { certificatesIn, type FileArtefact, type FoundCertificate } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirements 4, 36, 58, 74, 84, 89: appliances read PEM alone, whatever a file is called. */
export const fileNotPem: EvidenceRule = {
  code: 'FILE_NOT_PEM',
  title: 'A file is DER, PKCS #7 or PKCS #12 where PEM is needed.',
  holds: [4, 36, 56, 58, 74, 82, 84, 89],
  diagnosis: 'D05',
  severity: 'error',
  releases: 'all',
  *check({ files, folders }) {
    const inPem = new Set(files.filter(isPem).flatMap(({ contents }) => contents.items.map(identityOf)));
    for (const { files: among, leaves, keys } of folders)
      for (const file of among) {
        const { items, form } = file.contents;
        if (isPem(file) || items.every((item) => inPem.has(identityOf(item)))) continue;
        const [kind] = items.length === 1 ? items.map((item) => item.kind) : [];
        // Distribution points may serve DER (56).
        if (kind === 'crl' && leaves.length + keys.length === 0) continue;
        yield {
          at: file.path,
          value: form,
          message: `it is ${form}, and ${takers[kind ?? 'certificate'] ?? 'the page that it is for takes PEM alone'}`,
          fix: conversion(file.path, form, kind),
          severity: kind === 'request' || kind === 'crl' ? 'warning' : 'error',
        };
      }
  },
};

const takers: Partial<Record<Content['kind'], string>> = {
  request: 'openssl ca reads PEM alone; Microsoft CAs take it as it is',
  crl: 'the page for manual upload takes PEM alone; distribution points may serve it as it is',
};

/** A part of a file, or all of it, that nothing can read: what the page calls an invalid format. */
export const fileDamaged: EvidenceRule = {
  code: 'FILE_DAMAGED',
  title: 'A file, or a part of it, cannot be read.',
  holds: [4, 36],
  diagnosis: 'D05',
  severity: 'error',
  releases: 'all',
  *check({ artefacts, files, folders }) {
    for (const artefact of artefacts) {
      if (artefact.kind !== 'unreadable' || !claimsToBeEvidence(artefact, artefacts.length)) continue;
      const { path, error } = artefact;
      // A key under a password in a PEM file is an item that can be told; a PFX is closed as a whole.
      const pfx = error.code === 'KEY_ENCRYPTED';
      if (pfx && folders.some((folder) => folder.path === dirname(path) && folder.leaves.length > 0)) continue;
      yield {
        at: path,
        value: pfx ? 'PKCS #12' : error.code,
        message: pfx
          ? 'it is a PFX under a password, and the pages for certificates and keys take PEM alone'
          : messageOf(error),
        fix: pfx ? conversion(path, 'PKCS #12', undefined) : error.fix,
      };
    }
    for (const { path, contents } of files)
      for (const item of contents.items) {
        if (item.kind !== 'unreadable') continue;
        const { error } = item;
        yield { at: path, value: error.at, message: messageOf(error), fix: error.fix };
      }
  },
};

/** OpenSSL skips a block whose BEGIN line does not stand alone in plain text, and appliances with it. */
export const fileNotPlain: EvidenceRule = {
  code: 'FILE_NOT_PLAIN',
  title: 'A PEM file has a byte order mark, UTF-16, indented lines or a label of its own.',
  holds: [4, 36],
  diagnosis: 'D05',
  severity: 'error',
  releases: 'all',
  *check({ files }) {
    for (const { path, contents } of files) {
      if (contents.plainText) continue;
      yield {
        at: path,
        value: contents.form,
        message: 'OpenSSL, and so an appliance, does not find all that is in it',
        fix: 'save it as plain text: UTF-8 without a byte order mark, lines that begin at the left, the BEGIN and END lines of the standard',
      };
    }
  },
};

/** The page takes the server certificate alone; the rest of its chain belongs on the trust list. */
export const chainInServerFile: EvidenceRule = {
  code: 'CHAIN_IN_SERVER_FILE',
  title: 'The file with the server certificate holds its chain too.',
  holds: [36, 49, 85, 87],
  diagnosis: 'D26',
  severity: 'warning',
  releases: 'all',
  *check({ folders }) {
    for (const { files, leaves } of folders)
      for (const file of files.filter(isPem)) {
        const certificates = certificatesIn(file);
        const leaf = leaves.find(({ at }) => at === file.path);
        if (!leaf || certificates.length === 1 || files.some((other) => holdsAlone(other, leaf))) continue;
        yield {
          at: file.path,
          value: `${certificates.length} certificates`,
          message: `the page for the server certificate takes that of ${leaf.title} alone, and there are others beside it`,
          fix: 'leave the one certificate in this file, and put the authorities into the trusted CA file',
        };
      }
  },
};

function holdsAlone(file: FileArtefact, { certificate }: FoundCertificate): boolean {
  const [only, ...others] = certificatesIn(file);
  return others.length === 0 && only?.der.equals(certificate.der) === true;
}

function isPem({ contents }: FileArtefact): boolean {
  return contents.form === 'PEM';
}

/** The same for a value in any form of file. */
function identityOf(item: Content): string | Content {
  switch (item.kind) {
    case 'certificate':
      return item.certificate.der.toString('latin1');
    case 'request':
      return item.request.der.toString('latin1');
    case 'crl':
      return item.crl.der.toString('latin1');
    case 'key':
      return subjectPublicKeyInfo(item.key).toString('latin1');
    default:
      return item;
  }
}

/** A README is none, and a chain without its root may be empty; there is a rule for index.txt. */
function claimsToBeEvidence({ path, error }: Unreadable, given: number): boolean {
  if (error.code === 'LEDGER_CORRUPT') return false;
  if (error.code !== 'CONTENT_UNKNOWN' || given === 1) return true;
  return EXTENSIONS.has(extname(path).toLowerCase()) && !isNamedChain(path);
}

type Unreadable = Extract<Artefact, { kind: 'unreadable' }>;

const EXTENSIONS: ReadonlySet<string> = new Set([
  '.pem',
  '.crt',
  '.cer',
  '.der',
  '.key',
  '.csr',
  '.req',
  '.crl',
  '.p7b',
  '.p7c',
  '.pfx',
  '.p12',
]);

/** Without the place, which stands before it. */
function messageOf({ message, at }: VcsPkiError): string {
  return message.slice(`${at}: `.length);
}

function conversion(path: string, form: string, kind: Content['kind'] | undefined): string {
  const file = basename(path);
  const stem = basename(path, extname(path));
  // Onto the file that it reads openssl pkey writes nothing, and the key is lost.
  const plain = file === `${stem}.pem` ? `${stem}-plain.pem` : `${stem}.pem`;
  if (form === 'PKCS #12')
    return `openssl pkcs12 -in ${file} -nodes -out all.pem, then put key, certificate and authorities into a file each`;
  if (form === 'PKCS #7')
    return `openssl pkcs7 -print_certs -in ${file} -out ${plain}, with -inform DER where it is binary`;
  return `openssl ${commands[kind ?? 'certificate']} -in ${file} -inform DER -out ${plain} -outform PEM`;
}

const commands: Readonly<Record<Content['kind'], string>> = {
  certificate: 'x509',
  request: 'req',
  crl: 'crl',
  key: 'pkey',
  'encrypted key': 'pkey',
  other: 'asn1parse',
  unreadable: 'asn1parse',
};
