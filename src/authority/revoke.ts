import { VcsPkiError } from '../errors.ts';
import { encodeSigned, serialHex } from '../x509/certificate.ts';
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
import { type Issuer, keyIdentifierOf } from './issuer.ts';
import type { Clock, Material } from './ports.ts';
import { type LedgerEntry, timestamp } from './record.ts';
import { addDays } from './schedule.ts';
import { serialFromHex } from './serial.ts';

/** Puts a serial on record as revoked. The list that says so is signed by `signCrl`, right after. */
export async function revokeCertificate(
  issuer: Pick<Issuer, 'ledger'>,
  serial: string,
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

/** Signs the complete list of an authority generation and publishes it, unless the publish gate refuses. */
export async function signCrl(
  issuer: Issuer,
  options: CrlOptions,
  ports: { readonly clock: Clock; readonly material: Material },
): Promise<Crl> {
  const now = ports.clock.now();
  const published = await ports.material.crl(issuer.id, issuer.generation);
  const previous = published === undefined ? undefined : readCrl(published, `the list of ${issuer.id}`);
  const entries = await issuer.ledger.entries();
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
      entries: revokedEntries(entries, previous),
    },
    algorithm,
  );
  const crl = readCrl(encodeSigned(tbs, algorithm, await issuer.signer.sign(tbs)), `the list of ${issuer.id}`);
  refuseUnpublishable(crl, previous, entries, issuer, options);
  await ports.material.publishCrl(issuer.id, issuer.generation, crl.der);
  return crl;
}

/** When a list of ours was signed. */
export function crlSignedAt(crl: Crl): Date {
  return new Date(crl.thisUpdate.getTime() + BACKDATE_MS);
}

/** Every revoked serial, until it has been on one list made after its certificate expired (I4, RFC 5280 3.3). */
function revokedEntries(entries: readonly LedgerEntry[], previous: Crl | undefined): RevokedEntry[] {
  return entries.flatMap(({ serial, notAfter, revocation }) => {
    if (!revocation) return [];
    const serialNumber = serialFromHex(serial);
    const listedAfterExpiry = previous && previous.thisUpdate > new Date(notAfter) && previous.find(serialNumber);
    return listedAfterExpiry ? [] : [{ serialNumber, revokedAt: new Date(revocation.at), reason: revocation.reason }];
  });
}

/** I3, I5: the last look before a list replaces the one that peers rely on. */
function refuseUnpublishable(
  crl: Crl,
  previous: Crl | undefined,
  entries: readonly LedgerEntry[],
  issuer: Issuer,
  options: CrlOptions,
): void {
  const refuse = (message: string, fix: string): never => {
    throw new VcsPkiError('CRL_REFUSED', { at: `the list of ${issuer.id}`, message, fix });
  };
  if (!crlIsSignedBy(crl, issuer.certificate)) {
    refuse(
      'its signature does not verify with the certificate of the authority',
      'check that key and certificate of the authority belong together',
    );
  }
  if (!previous) return;
  if (!crlIsSignedBy(previous, issuer.certificate)) {
    refuse(
      'the published list was signed with another key',
      'restore the key of the authority, or move the published list away if it is not its own',
    );
  }
  if ((crl.crlNumber ?? 0n) <= (previous.crlNumber ?? 0n))
    refuse('its number is not above that of the published list', 'restore the crlnumber file');
  if (crl.thisUpdate < previous.thisUpdate && !options.afterClockCorrection) {
    refuse(
      `the published list is from ${crlSignedAt(previous).toISOString()}, which is later than now`,
      'correct the clock; if the clock was wrong before, run: vcs-pki crl --after-clock-correction',
    );
  }
  const expiry = new Map(entries.map((entry) => [entry.serial, entry.notAfter]));
  for (const { serialNumber } of previous.entries()) {
    if (crl.find(serialNumber)) continue;
    const serial = serialHex(serialNumber);
    const notAfter = expiry.get(serial);
    if (notAfter === undefined || new Date(notAfter) >= previous.thisUpdate) {
      refuse(
        `serial ${serial} is on the published list and would be missing, though its certificate has not expired`,
        'restore the ledger (index.txt) from before it lost that serial; never empty it',
      );
    }
  }
}
