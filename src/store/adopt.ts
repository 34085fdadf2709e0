import { join } from 'node:path';
import { authoritySpecification } from '../authority/plan.ts';
import type { Clock } from '../authority/ports.ts';
import { type Revocation, timestamp } from '../authority/record.ts';
import { refuseWeak } from '../authority/unfit-key.ts';
import { VcsPkiError } from '../errors.ts';
import { Secret } from '../secret.ts';
import type { Authority, Topology } from '../topology/schema.ts';
import { type Certificate, isIssuedBy, readCertificate, type Serial, serialHex } from '../x509/certificate.ts';
import { type Crl, crlIsSignedBy, readCrl } from '../x509/crl.ts';
import { keyTypeOf, parsePrivateKey, subjectPublicKeyInfo } from '../x509/keys.ts';
import { formatName, sameName, slashName } from '../x509/name.ts';
import { decodeDerOrPem, encodePem } from '../x509/pem.ts';
import { type FileSystem, makeDirectories, writeAtomically } from './file-system.ts';
import { formatIndexLine, type IndexEntry, indexReasons, parseIndex } from './index-txt.ts';
import { generatedOpensslConfig } from './openssl-config.ts';
import type { PkiDirectory } from './pki-directory.ts';

/** An `openssl ca` directory as it was found: of either guide's demoCA, or any other (requirements 69-77). */
export interface FoundAuthority {
  readonly certificate: Certificate;
  /** The key file as it is, perhaps encrypted. */
  readonly key: Secret<Buffer>;
  readonly index: readonly IndexEntry[];
  /** Certificates by serial, as far as their files were found. */
  readonly issued: ReadonlyMap<Serial, Certificate>;
  /** Files to go on with as they are: serial, crlnumber. */
  readonly counters: ReadonlyMap<string, Buffer>;
  /** The newest list that the authority has signed. */
  readonly crl: Crl | undefined;
}

export interface AdoptOptions {
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly passphrase?: Secret<string> | undefined;
  /** Takes in certificates that index.txt has lost: as revoked where the last list says so, else as valid. */
  readonly rebuildIndex: boolean;
}

const CERTIFICATE_FILES = [
  'cacert.pem',
  'ca.crt',
  'ca.pem',
  'cacert.crt',
  'certs/ca.crt',
  'certs/cacert.pem',
  'certs/ca.cert.pem',
];
const KEY_FILES = ['private/cakey.pem', 'ca.key', 'cakey.pem', 'private/ca.key', 'private/ca.key.pem', 'privkey.pem'];
const CRL_FILES = ['crl.pem', 'crl/crl.pem', 'ca.crl', 'crl.der', 'crl/ca.crl'];

/** Reads a directory that openssl worked in. Changes nothing there. Fails with ADOPTION_REFUSED, KEY_WEAK, LEDGER_CORRUPT or LEDGER_LOST_ENTRIES. */
export async function findAuthority(fs: FileSystem, directory: string, options: AdoptOptions): Promise<FoundAuthority> {
  // The X7.2 guide has certificate and key beside demoCA, that of X8.1 inside.
  const inner = (await fs.readFile(join(directory, 'index.txt'))) ? directory : join(directory, 'demoCA');
  const indexFile = join(inner, 'index.txt');
  const indexText = await fs.readFile(indexFile);
  if (!indexText) {
    throw refused(
      directory,
      'has no index.txt, and neither has a folder demoCA in it',
      'name the directory that openssl ca works in',
    );
  }
  const places = [...new Set([inner, directory, join(inner, '..')])];
  const certificateBytes = await firstFile(
    fs,
    places,
    options.certificateFile,
    CERTIFICATE_FILES,
    '--certificate',
    directory,
  );
  const [der] = decodeDerOrPem(certificateBytes.bytes, 'CERTIFICATE', certificateBytes.path);
  if (!der) throw new TypeError('decodeDerOrPem returned no block');
  const certificate = readCertificate(der, certificateBytes.path);
  const key = await firstFile(fs, places, options.keyFile, KEY_FILES, '--key', directory);
  checkKey(key, certificate, options.passphrase);
  refuseWeak(
    certificate.subjectPublicKeyInfo,
    certificateBytes.path,
    'declare a new authority, put both on the trust lists, and let the new one issue what this one has issued',
  );
  const issued = await issuedCertificates(fs, inner, directory, certificate);
  const crl = await newestCrl(fs, places, certificate);
  const index = completeIndex(
    parseIndex(indexText.toString(), indexFile),
    issued,
    crl,
    indexFile,
    options.rebuildIndex,
  );
  const counters = new Map<string, Buffer>();
  for (const name of ['serial', 'crlnumber']) {
    const bytes = await fs.readFile(join(inner, name));
    if (bytes) counters.set(name, bytes);
  }
  return { certificate, key: new Secret(key.bytes), index, issued, counters, crl };
}

/**
 * Makes what was found an authority of the PKI directory, with its whole history: openssl goes on in the copy, plan
 * revokes nothing of it. The record that makes it exist comes last.
 * @param issuer the certificate of its declared issuer, where that is on record
 */
export async function adoptAuthority(
  found: FoundAuthority,
  { authority, issuer }: { readonly authority: Authority; readonly issuer: Certificate | undefined },
  topology: Pick<Topology, 'name'>,
  directory: PkiDirectory,
  clock: Clock,
): Promise<void> {
  checkDeclaration(found.certificate, authority);
  checkIssuer(found.certificate, authority, issuer);
  const owner = { authority: authority.id, generation: 1 };
  const issuance = {
    owner,
    topology: topology.name,
    issue: 1,
    reason: `adopted on ${timestamp(clock.now()).slice(0, 10)}`,
    specification: authoritySpecification(authority),
  };
  // Its own certificate is in the index of who signed it: of an authority above, or of itself after openssl ca -selfsign.
  const ledger = directory.ledger({ authority: authority.issuer ?? authority.id, generation: 1 });
  const record = { certificate: found.certificate, issuance };
  ledger.refuseUnreadable(record);
  const index = found.index.map(formatIndexLine).join('');
  parseIndex(index, directory.authorityPath(owner));
  const { fs } = directory;
  const place = directory.authorityPath(owner);
  for (const [folder, mode] of [
    ['newcerts', 0o755],
    ['certs', 0o755],
    ['private', 0o700],
  ] as const)
    await makeDirectories(fs, directory.path, join(place, folder), mode);
  for (const [serial, certificate] of found.issued)
    await writeAtomically(
      fs,
      join(place, 'newcerts', `${serial}.pem`),
      Buffer.from(encodePem('CERTIFICATE', certificate.der)),
    );
  const files = new Map<string, Buffer>([
    ['openssl.cnf', Buffer.from(generatedOpensslConfig(authority, owner.generation))],
    ['index.txt.attr', Buffer.from('unique_subject = no\n')],
    ['crlnumber', Buffer.from(`${serialHex((found.crl?.crlNumber ?? 0n) + 1n)}\n`)],
    ['serial', Buffer.from(`${serialHex(found.certificate.serialNumber + 1n)}\n`)],
    ...found.counters,
    ['index.txt', Buffer.from(index)],
    ['cacert.pem', Buffer.from(encodePem('CERTIFICATE', found.certificate.der))],
  ]);
  for (const [name, bytes] of files) await writeAtomically(fs, join(place, name), bytes);
  await writeAtomically(fs, join(place, 'private', 'cakey.pem'), found.key.reveal(), 0o600);
  if (found.crl) await directory.material.publishCrl(owner, found.crl.der, await directory.material.crl(owner));
  await ledger.adopt(record);
}

function checkKey(
  key: { path: string; bytes: Buffer },
  certificate: Certificate,
  passphrase: Secret<string> | undefined,
): void {
  const at = key.path;
  const opened = parsePrivateKey(new Secret(key.bytes.toString()), { at, ...(passphrase && { passphrase }) });
  if (subjectPublicKeyInfo(opened).equals(certificate.subjectPublicKeyInfo)) return;
  throw new VcsPkiError('KEY_MISMATCH', {
    at,
    message: `is not the key of ${formatName(certificate.subject)}`,
    fix: 'name the right files with --certificate and --key',
  });
}

/** What the declaration says of the authority must be so; what it can't say (an e-mail address, another order) may be there too. */
function checkDeclaration(
  { subject, subjectPublicKeyInfo: spki, basicConstraints }: Certificate,
  authority: Authority,
): void {
  const at = `authorities ${authority.id}`;
  const types = {
    commonName: 'CN',
    organization: 'O',
    organizationalUnit: 'OU',
    locality: 'L',
    state: 'ST',
    country: 'C',
  } as const;
  for (const [field, type] of Object.entries(types)) {
    const wanted = Object.entries(authority.subject).find(([name]) => name === field)?.[1];
    const present = subject.attributes.filter((attribute) => attribute.type === type).map(({ value }) => value);
    if (wanted === undefined || present.includes(wanted)) continue;
    throw refused(
      at,
      `the certificate has ${type} ${present.join(', ') || '(none)'}, and the declaration ${wanted}`,
      `declare the subject as it is: ${formatName(subject)}`,
    );
  }
  const type = keyTypeOf(spki);
  if (type !== undefined && type !== authority.key)
    throw refused(at, `its key is ${type}, and the declaration says ${authority.key}`, `declare key ${type}`);
  if (basicConstraints?.authority !== true)
    throw refused(
      at,
      'its certificate has no basic constraints that make it an authority (D32)',
      'declare a new authority, and put both on the trust lists',
    );
}

/** Peers are given the chain of the declared issuers: with a wrong one nobody verifies what they present. */
function checkIssuer(certificate: Certificate, authority: Authority, issuer: Certificate | undefined): void {
  const at = `authorities ${authority.id}`;
  const isRoot = sameName(certificate.issuer, certificate.subject);
  if (isRoot && authority.issuer !== undefined)
    throw refused(
      at,
      `its certificate is self-signed, and the declaration has it signed by ${authority.issuer}`,
      'declare it without issuer',
    );
  const signer = formatName(certificate.issuer);
  if (!isRoot && authority.issuer === undefined)
    throw refused(
      at,
      `its certificate was signed by ${signer}, and the declaration has no issuer`,
      `adopt ${signer} first, and declare it as the issuer`,
    );
  if (issuer && !isIssuedBy(certificate, issuer))
    throw refused(
      at,
      `its certificate was signed by ${signer}, and not by the authority that is on record as ${authority.issuer}`,
      'declare the authority that signed it as its issuer',
    );
}

/** Every certificate of this authority that lies where openssl puts them: newcerts, certs, or with -outdir anywhere beside. */
async function issuedCertificates(
  fs: FileSystem,
  inner: string,
  outer: string,
  authority: Certificate,
): Promise<Map<Serial, Certificate>> {
  const issued = new Map<Serial, Certificate>();
  for (const folder of [join(inner, 'newcerts'), join(inner, 'certs'), inner, outer]) {
    for (const name of await fs.readDirectory(folder)) {
      if (!/\.(pem|crt|cer)$/.test(name)) continue;
      const path = join(folder, name);
      const certificate = await certificateIn(fs, path);
      if (!certificate || !sameName(certificate.issuer, authority.subject) || certificate.der.equals(authority.der))
        continue;
      issued.set(serialHex(certificate.serialNumber), certificate);
    }
  }
  return issued;
}

/** The certificate in a file; undefined for whatever else lies about in such folders, folders among it. */
async function certificateIn(fs: FileSystem, path: string): Promise<Certificate | undefined> {
  const bytes = await fs.readFile(path).catch((error: unknown) => {
    if (error instanceof VcsPkiError && error.value === 'EISDIR') return undefined;
    throw error;
  });
  if (!bytes || bytes.length > MAX_CERTIFICATE_BYTES) return undefined;
  try {
    const [der] = decodeDerOrPem(bytes, 'CERTIFICATE', path);
    return der && readCertificate(der, path);
  } catch (error) {
    if (error instanceof VcsPkiError) return undefined;
    throw error;
  }
}

const MAX_CERTIFICATE_BYTES = 256 * 1024;

async function newestCrl(fs: FileSystem, places: readonly string[], authority: Certificate): Promise<Crl | undefined> {
  const found: Crl[] = [];
  for (const place of places) {
    for (const name of CRL_FILES) {
      const path = join(place, name);
      const bytes = await fs.readFile(path);
      if (!bytes) continue;
      const crl = decodeDerOrPem(bytes, 'X509 CRL', path).map((der) => readCrl(der, path));
      found.push(...crl.filter((one) => crlIsSignedBy(one, authority)));
    }
  }
  return found.sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime())[0];
}

/** D36: an index that lost entries, by the advice of requirement 76, is not taken in silently. */
function completeIndex(
  index: readonly IndexEntry[],
  issued: ReadonlyMap<Serial, Certificate>,
  crl: Crl | undefined,
  at: string,
  rebuild: boolean,
): IndexEntry[] {
  const known = new Set(index.map(({ serial }) => serial));
  const lost = [...issued.keys()].filter((serial) => !known.has(serial));
  const listed = [...(crl?.entries() ?? [])].map(({ serialNumber }) => serialHex(serialNumber));
  const unlisted = listed.filter((serial) => !known.has(serial) && !issued.has(serial));
  if (lost.length + unlisted.length > 0 && !rebuild) {
    const [first] = [...lost, ...unlisted];
    throw new VcsPkiError('LEDGER_LOST_ENTRIES', {
      at,
      value: [...lost, ...unlisted].slice(0, 3).join(', '),
      message: `lacks ${lost.length + unlisted.length} certificates that were issued, serial ${first} among them: it has been emptied once (D36)`,
      fix: 'restore it from index.txt.old or a backup; or use --rebuild-index, and then revoke again what was revoked',
    });
  }
  const revocationOf = (serial: Serial): Revocation | undefined => {
    const entry = crl?.find(BigInt(`0x${serial}`));
    if (!entry) return undefined;
    const reason = indexReasons.find((known) => known === entry.reason) ?? 'unspecified';
    return { at: timestamp(entry.revokedAt), reason };
  };
  const rebuilt = lost.flatMap((serial) => {
    const certificate = issued.get(serial);
    if (!certificate) return [];
    const revocation = revocationOf(serial);
    const notAfter = timestamp(certificate.notAfter);
    return {
      serial,
      notAfter,
      file: 'unknown',
      subject: slashName(certificate.subject),
      ...(revocation && { revocation }),
    };
  });
  // Of what is on the list alone neither name nor expiry is known: it stays revoked for as long as can be.
  const fromList = unlisted.flatMap((serial) => {
    const revocation = revocationOf(serial);
    return revocation ? { serial, notAfter: NEVER, file: 'unknown', subject: '/CN=unknown', revocation } : [];
  });
  // What a list revokes stays revoked, though index.txt was restored from a time before.
  const kept = index.map((entry) => {
    const revocation = entry.revocation ?? revocationOf(entry.serial);
    return revocation ? { ...entry, revocation } : entry;
  });
  return [...kept, ...rebuilt, ...fromList];
}

const NEVER = '9999-12-31T23:59:59Z';

async function firstFile(
  fs: FileSystem,
  places: readonly string[],
  named: string | undefined,
  candidates: readonly string[],
  option: string,
  at: string,
): Promise<{ path: string; bytes: Buffer }> {
  const paths = named === undefined ? places.flatMap((place) => candidates.map((name) => join(place, name))) : [named];
  for (const path of paths) {
    const bytes = await fs.readFile(path);
    if (bytes) return { path, bytes };
  }
  throw refused(
    named ?? at,
    named === undefined ? `has none of ${candidates.join(', ')}` : 'does not exist',
    `name the file with ${option}`,
  );
}

function refused(at: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('ADOPTION_REFUSED', { at, message, fix });
}
