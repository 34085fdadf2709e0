import { VcsPkiError } from '../errors.ts';
import { serialHex } from '../x509/certificate.ts';
import { type Crl, crlIsSignedBy, type RevokedEntry } from '../x509/crl.ts';
import type { Issuer } from './issuer.ts';
import type { AuthorityGeneration } from './owner.ts';
import { BACKDATE_MS } from './schedule.ts';

interface Candidate {
  readonly listed: readonly RevokedEntry[];
  /** The list that peers rely on. */
  readonly previous: Crl | undefined;
  readonly now: Date;
}

/** I5: what a list must not do in place of the one that peers rely on, told before anything of it is written (CRL_REFUSED). */
export async function refuseUnpublishable(
  { listed, previous, now }: Candidate,
  issuer: Issuer,
  { afterClockCorrection }: { readonly afterClockCorrection?: boolean },
): Promise<void> {
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
  if (new Date(now.getTime() - BACKDATE_MS) < previous.thisUpdate && !afterClockCorrection) {
    throw refused(
      issuer,
      `the published list is from ${new Date(previous.thisUpdate.getTime() + BACKDATE_MS).toISOString()}, which is later than now`,
      'correct the clock; if the clock was wrong before, run: vcs-pki crl --after-clock-correction',
    );
  }
  const mayHaveEnded = previous.thisUpdate < now ? previous.thisUpdate : now;
  for (const serialNumber of leavers(previous, listed)) {
    const serial = serialHex(serialNumber);
    const entry = await issuer.ledger.find(serial);
    if (entry && new Date(entry.notAfter) < mayHaveEnded) continue;
    throw refused(
      issuer,
      `serial ${serial} is on the published list and would be missing, though its certificate has not expired`,
      'restore the ledger (index.txt) from before it lost that serial; never empty it',
    );
  }
}

/** The serials that are on the list before and not on the next. */
function* leavers(previous: Crl, listed: readonly RevokedEntry[]): Generator<bigint> {
  const after = sorted(listed).values();
  let next = after.next();
  for (const serial of sorted(previous.entries())) {
    while (!next.done && next.value < serial) next = after.next();
    if (next.done || next.value !== serial) yield serial;
  }
}

function sorted(entries: Iterable<RevokedEntry>): bigint[] {
  return Array.from(entries, ({ serialNumber }) => serialNumber).sort((a, b) => (a < b ? -1 : Number(a > b)));
}

/** I3: the list as it will be read, just before it replaces the one before. */
export function refuseMisread(crl: Crl, previous: Crl | undefined, issuer: Issuer): void {
  if (!crlIsSignedBy(crl, issuer.certificate)) throw signedByAnother(issuer);
  if ((crl.crlNumber ?? 0n) <= (previous?.crlNumber ?? 0n))
    throw refused(issuer, 'its number is not above that of the published list', 'restore the crlnumber file');
}

export function isSameList(published: Buffer | undefined, decidedOn: Buffer | undefined): boolean {
  return published === undefined ? decidedOn === undefined : decidedOn !== undefined && published.equals(decidedOn);
}

/** What a store says to a list that was decided on another than it has by now. */
export function replacedMeanwhile({ authority }: AuthorityGeneration): VcsPkiError {
  return refused(
    { id: authority },
    'another list was published while it was being signed',
    'run again: the list is made anew from the record; two programs must not write to one PKI directory',
  );
}

function signedByAnother(issuer: Issuer): VcsPkiError {
  return refused(
    issuer,
    'its signature does not verify with the certificate of the authority',
    'check that key and certificate of the authority belong together',
  );
}

function refused({ id }: Pick<Issuer, 'id'>, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('CRL_REFUSED', { at: placeOfList(id), message, fix });
}

export function placeOfList(authority: string): string {
  return `the list of ${authority}`;
}
