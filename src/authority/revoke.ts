import { VcsPkiError } from '../errors.ts';
import { encodeSigned, type Serial, serialHex } from '../x509/certificate.ts';
import {
  type Crl,
  crlIsSignedBy,
  encodeTbsCrl,
  type RevocationReason,
  type RevokedEntry,
  readCrl,
} from '../x509/crl.ts';
import { signatureAlgorithmFor } from '../x509/signature.ts';
import { BACKDATE_MS } from './issue.ts';
import { generationOf, type Issuer, keyIdentifierOf } from './issuer.ts';
import type { Clock, Material } from './ports.ts';
import { type LedgerEntry, timestamp } from './record.ts';
import { addDays } from './schedule.ts';
import { serialFromHex } from './serial.ts';

/** Puts a serial on record as revoked. The list that says so is signed by `signCrl`, right after. */
export async function revokeCertificate(
  issuer: Pick<Issuer, 'ledger'>,
  serial: Serial,
  reason: RevocationReason,
  clock: Clock,
): Promise<void> {
  await issuer.ledger.revoke(serial, { at: timestamp(clock.now()), reason });
}

export interface CrlOptions {
  readonly validDays: number;
  /** After the clock was found to have run ahead: publish though the last list is from the future. */
  readonly afterClockCorrection?: boolean;
}

/**
 * Signs the complete list of an authority generation and publishes it. A list that may not be published is refused before
 * its number is reserved: nothing is written then (CRL_REFUSED). A published list that can't be read is replaced.
 */
export async function signCrl(
  issuer: Issuer,
  options: CrlOptions,
  ports: { readonly clock: Clock; readonly material: Material },
): Promise<Crl> {
  const now = ports.clock.now();
  const previous = readPublished(await ports.material.crl(generationOf(issuer)), issuer.id);
  const entries = await issuer.ledger.entries();
  const listed = revokedEntries(entries, previous, now);
  refuseUnpublishable({ listed, previous, entries, now }, issuer, options);
  const floor = [BigInt(now.getTime()), previous?.crlNumber ?? 0n].reduce((a, b) => (a > b ? a : b));
  const crlNumber = await issuer.ledger.reserveCrlNumber(floor);
  const algorithm = signatureAlgorithmFor(issuer.signer.subjectPublicKeyInfo);
  const tbs = encodeTbsCrl(
    {
      issuer: issuer.certificate.subject.der,
      thisUpdate: new Date(now.getTime() - BACKDATE_MS),
      nextUpdate: addDays(now, options.validDays),
      crlNumber,
      authorityKeyIdentifier: keyIdentifierOf(issuer.certificate),
      entries: listed,
    },
    algorithm,
  );
  const crl = readCrl(encodeSigned(tbs, algorithm, await issuer.signer.sign(tbs)), placeOf(issuer.id));
  refuseMisread(crl, previous, issuer);
  await ports.material.publishCrl(generationOf(issuer), crl.der);
  return crl;
}

/** A published list; undefined where there is none, or where it is damaged and a new one has to take its place. */
export function readPublished(der: Buffer | undefined, authority: string): Crl | undefined {
  if (!der) return undefined;
  try {
    return readCrl(der, placeOf(authority));
  } catch (error) {
    if (error instanceof VcsPkiError) return undefined;
    throw error;
  }
}

/** When a list of ours was signed. */
export function crlSignedAt(crl: Crl): Date {
  return new Date(crl.thisUpdate.getTime() + BACKDATE_MS);
}

/**
 * Whether a revoked certificate has had its list after its end (I4, RFC 5280 3.3): `list` was made after both its end and
 * its revocation, so that it names it, or a list before it did.
 */
export function isListedToItsEnd({ serial, notAfter, revocation }: LedgerEntry, list: Crl): boolean {
  if (!revocation || new Date(notAfter) >= list.thisUpdate) return false;
  return list.find(serialFromHex(serial)) !== undefined || new Date(revocation.at) < list.thisUpdate;
}

/** Every revoked serial, until it has been on one list made after its certificate expired. A list from the future tells nothing of that. */
function revokedEntries(entries: readonly LedgerEntry[], previous: Crl | undefined, now: Date): RevokedEntry[] {
  const memory = previous && previous.thisUpdate <= now ? previous : undefined;
  return entries.flatMap((entry) => {
    const { serial, revocation } = entry;
    if (!revocation || (memory && isListedToItsEnd(entry, memory))) return [];
    return [{ serialNumber: serialFromHex(serial), revokedAt: new Date(revocation.at), reason: revocation.reason }];
  });
}

interface Candidate {
  readonly listed: readonly RevokedEntry[];
  readonly previous: Crl | undefined;
  readonly entries: readonly LedgerEntry[];
  readonly now: Date;
}

/** I5: what a list must not do in place of the one that peers rely on, told before anything of it is written. */
function refuseUnpublishable({ listed, previous, entries, now }: Candidate, issuer: Issuer, options: CrlOptions): void {
  if (!issuer.signer.subjectPublicKeyInfo.equals(issuer.certificate.subjectPublicKeyInfo))
    throw signedByAnother(issuer);
  if (!previous) return;
  if (!crlIsSignedBy(previous, issuer.certificate)) {
    throw refused(
      issuer,
      'the published list was signed with another key',
      'restore the key of the authority, or move the published list away if it is not its own',
    );
  }
  if (new Date(now.getTime() - BACKDATE_MS) < previous.thisUpdate && !options.afterClockCorrection) {
    throw refused(
      issuer,
      `the published list is from ${crlSignedAt(previous).toISOString()}, which is later than now`,
      'correct the clock; if the clock was wrong before, run: vcs-pki crl --after-clock-correction',
    );
  }
  const kept = new Set(listed.map(({ serialNumber }) => serialNumber));
  const ends = new Map(entries.map(({ serial, notAfter }) => [serialFromHex(serial), new Date(notAfter)]));
  const mayHaveEnded = previous.thisUpdate < now ? previous.thisUpdate : now;
  for (const { serialNumber } of previous.entries()) {
    if (kept.has(serialNumber)) continue;
    const end = ends.get(serialNumber);
    if (end === undefined || end >= mayHaveEnded) {
      throw refused(
        issuer,
        `serial ${serialHex(serialNumber)} is on the published list and would be missing, though its certificate has not expired`,
        'restore the ledger (index.txt) from before it lost that serial; never empty it',
      );
    }
  }
}

/** I3: the list as it will be read, just before it replaces the one before. */
function refuseMisread(crl: Crl, previous: Crl | undefined, issuer: Issuer): void {
  if (!crlIsSignedBy(crl, issuer.certificate)) throw signedByAnother(issuer);
  if ((crl.crlNumber ?? 0n) <= (previous?.crlNumber ?? 0n))
    throw refused(issuer, 'its number is not above that of the published list', 'restore the crlnumber file');
}

function signedByAnother(issuer: Issuer): VcsPkiError {
  return refused(
    issuer,
    'its signature does not verify with the certificate of the authority',
    'check that key and certificate of the authority belong together',
  );
}

function refused({ id }: Issuer, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('CRL_REFUSED', { at: placeOf(id), message, fix });
}

function placeOf(authority: string): string {
  return `the list of ${authority}`;
}
