import { VcsPkiError } from '../errors.ts';
import { encodeSigned, type Serial } from '../x509/certificate.ts';
import { type Crl, encodeTbsCrl, type RevocationReason, type RevokedEntry, readCrl } from '../x509/crl.ts';
import { signatureAlgorithmFor } from '../x509/signature.ts';
import { generationOf, type Issuer, keyIdentifierOf } from './issuer.ts';
import type { Clock, Ledger, Material } from './ports.ts';
import { placeOfList, refuseMisread, refuseUnpublishable } from './publish-gate.ts';
import { type Revoked, timestamp } from './record.ts';
import { addDays, BACKDATE_MS } from './schedule.ts';
import { serialFromHex } from './serial.ts';

/** Puts certificates on record as revoked. The list that says so is signed by `signCrl`, right after. */
export async function revokeCertificates(
  issuer: Pick<Issuer, 'ledger'>,
  serials: readonly Serial[],
  reason: RevocationReason,
  clock: Clock,
): Promise<void> {
  await issuer.ledger.revoke(serials, { at: timestamp(clock.now()), reason });
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
  const published = await ports.material.crl(generationOf(issuer));
  const previous = readPublished(published, issuer.id);
  const listed = await entriesToList(issuer.ledger, previous, now);
  await refuseUnpublishable({ listed, previous, now }, issuer, options);
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
  const crl = readCrl(encodeSigned(tbs, algorithm, await issuer.signer.sign(tbs)), placeOfList(issuer.id));
  refuseMisread(crl, previous, issuer);
  await ports.material.publishCrl(generationOf(issuer), crl.der, published);
  return crl;
}

/** A published list; undefined where there is none, or where it is damaged and a new one has to take its place. */
export function readPublished(der: Buffer | undefined, authority: string): Crl | undefined {
  if (!der) return undefined;
  try {
    return readCrl(der, placeOfList(authority));
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
export function isListedToItsEnd({ serial, notAfter, revocation }: Revoked, list: Crl): boolean {
  if (new Date(notAfter) >= list.thisUpdate) return false;
  return list.find(serialFromHex(serial)) !== undefined || new Date(revocation.at) < list.thisUpdate;
}

/** Every revoked serial, until it has been on one list made after its certificate expired. A list from the future tells nothing of that. */
async function entriesToList(ledger: Ledger, previous: Crl | undefined, now: Date): Promise<RevokedEntry[]> {
  const memory = previous && previous.thisUpdate <= now ? previous : undefined;
  const listed: RevokedEntry[] = [];
  for await (const entry of ledger.revoked()) {
    if (memory && isListedToItsEnd(entry, memory)) continue;
    const { serial, revocation } = entry;
    listed.push({
      serialNumber: serialFromHex(serial),
      revokedAt: new Date(revocation.at),
      reason: revocation.reason,
    });
  }
  return listed;
}
