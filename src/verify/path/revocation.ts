import { keyIdentifiersAgree } from '../../x509/certificate.ts';
import { ALL_REASONS, type DistributionPoint, type DistributionPointName } from '../../x509/distribution-points.ts';
import { extensionOids } from '../../x509/extensions.ts';
import { directoryNameKey, generalNameKey } from '../../x509/general-name.ts';
import { type Name, nameKey, sameName } from '../../x509/name.ts';
import type { PathCertificate, PathCrl } from './path-certificate.ts';
import type { CrlFault, PathEnd, PathFailure } from './verdict.ts';

/** CRL processing: RFC 5280 6.3.3. */

/** The CRLs at hand, and what is known of who signed them. */
export interface CrlSources {
  /** The lists of the issuer with this name key, complete and delta, the newest first. */
  listsOf(issuerKey: string): readonly PathCrl[];
  /** The certificates whose key signed the list and whose name it bears; `likely` first if it is one. */
  signersOf(crl: PathCrl, likely: PathCertificate): readonly PathCertificate[];
  isSigned(crl: PathCrl, signer: PathCertificate): boolean;
  /** What ends the valid path from the signer of a list to the same anchor; undefined where there is none. */
  trusted(signer: PathCertificate): readonly PathEnd[] | undefined;
}

/** Of a certificate that is not revoked: the ends of all lists that say so, each with its signer. */
type Status = { readonly ends: readonly PathEnd[] } | { readonly failure: PathFailure };

/** An expired list of the right authority says more to a human than a wrong one, or none. */
export const listFailures: readonly PathFailure['code'][] = [
  'crl-missing',
  'crl-unusable',
  'crl-not-yet-valid',
  'crl-expired',
];

/** 6.3.3 for one certificate: over its distribution points, and over lists until all reasons of revocation are covered. */
export function checkStatus(
  certificate: PathCertificate,
  issuer: PathCertificate,
  at: Date,
  sources: CrlSources,
): Status {
  const ends: PathEnd[] = [];
  let doubt: PathFailure = { code: 'crl-missing', certificate, issuer };
  let covered = 0;
  for (const { crl, reasons } of listsFor(certificate, issuer, sources)) {
    if ((reasons & ~covered) === 0) continue;
    const usable = use(crl, issuer, at, sources);
    if ('fault' in usable) {
      const failure: PathFailure = { certificate, crl, ...usable.fault };
      if (listFailures.indexOf(failure.code) > listFailures.indexOf(doubt.code)) doubt = failure;
      continue;
    }
    const delta = deltaOf(crl, usable.signer, at, sources);
    const entry = lookUp(crl, delta, certificate);
    if (entry && !entry.removed)
      return { failure: { code: 'revoked', certificate, revokedAt: entry.revokedAt, reason: entry.reason, crl } };
    ends.push(...usable.ends);
    // Only until it ends does the delta CRL keep the entry of the complete one from counting.
    if (entry && delta?.nextUpdate) ends.push(endOf(delta.nextUpdate, usable.signer));
    covered |= reasons;
    if (covered === ALL_REASONS) return { ends };
  }
  return { failure: doubt };
}

/**
 * The complete lists that may speak of the certificate, in the order in which they count. Authorities of one name number
 * their lists each for itself, so those that the key of the issuer signed come first; those that another key signed are
 * the only ones left once an authority has changed its key.
 */
function* listsFor(
  certificate: PathCertificate,
  issuer: PathCertificate,
  sources: CrlSources,
): Generator<{ readonly crl: PathCrl; readonly reasons: number }> {
  const points = pointsOf(certificate);
  for (const ofOtherKey of [false, true])
    for (const point of points)
      for (const crl of point.issuerKeys.flatMap((key) => sources.listsOf(key)))
        if (covers(crl, point, certificate) && isOfOtherKey(crl, issuer, sources) === ofOtherKey)
          yield { crl, reasons: reasonsOf(crl, point) };
}

/** A list that the issuer has delegated has another name. */
function isOfOtherKey(crl: PathCrl, issuer: PathCertificate, sources: CrlSources): boolean {
  return sameName(crl.issuer, issuer.subject) && !sources.isSigned(crl, issuer);
}

// ---- scope ---------------------------------------------------------------------------------------------------------

/** A distribution point, and whose lists it can be found in. */
interface Point extends DistributionPoint {
  readonly issuerKeys: readonly string[];
}

/** Those of the certificate, and at the end of 6.3.3 whatever else its issuer has published. */
function pointsOf({ distributionPoints, issuer }: PathCertificate): Point[] {
  const named = distributionPoints.map((point) => ({
    ...point,
    issuerKeys: point.crlIssuer?.flatMap(({ name }) => (name ? [name.key] : [])) ?? [issuer.key],
  }));
  const fullName = [{ kind: 'DirName', value: '', name: issuer }];
  return [...named, { name: { fullName }, reasons: undefined, crlIssuer: undefined, issuerKeys: [issuer.key] }];
}

/** 6.3.3 (b): a complete CRL whose scope has the certificate in it. Its issuer is the right one already. */
function covers(crl: PathCrl, point: Point, { basicConstraints }: PathCertificate): boolean {
  if (crl.baseCrlNumber !== undefined) return false;
  const scope = crl.issuingDistributionPoint;
  if (!scope) return !point.crlIssuer;
  if (point.crlIssuer && !scope.indirectCrl) return false;
  const authority = basicConstraints?.authority === true;
  if (scope.onlyContainsAttributeCerts || (authority ? scope.onlyContainsUserCerts : scope.onlyContainsCaCerts))
    return false;
  if (!scope.name) return true;
  const names = keysOf(scope.name, crl.issuer);
  const wanted = point.name ? keysOf(point.name, crl.issuer) : (point.crlIssuer ?? []).map(generalNameKey);
  return wanted.some((key) => names.includes(key));
}

/** A relative name is relative to the CRL issuer, whom certificate and list agree on (4.2.1.13, 5.2.5). */
function keysOf(name: DistributionPointName, crlIssuer: Name): string[] {
  if ('fullName' in name) return name.fullName.map(generalNameKey);
  return [directoryNameKey(nameKey([...crlIssuer.parts, ...name.relativeName.parts]))];
}

/** 6.3.3 (d). */
function reasonsOf(crl: PathCrl, point: Point): number {
  return (crl.issuingDistributionPoint?.onlySomeReasons ?? ALL_REASONS) & (point.reasons ?? ALL_REASONS);
}

// ---- trust ---------------------------------------------------------------------------------------------------------

type Usable =
  | { readonly signer: PathCertificate; readonly ends: readonly PathEnd[] }
  | { readonly fault: { code: 'crl-unusable'; why: CrlFault } | { code: 'crl-expired' | 'crl-not-yet-valid' } };

/** 6.3.3 (a), (f), (g) and RFC 5280 5.1.2.5, 5.2, 5.3: it is signed by who may sign it, current, and understood. */
function use(crl: PathCrl, issuer: PathCertificate, at: Date, sources: CrlSources): Usable {
  const signers = sources.signersOf(crl, issuer);
  if (signers.length === 0) return unusable('signature');
  const allowed = signers.filter(maySignLists);
  if (allowed.length === 0) return unusable('key-usage');
  const fault = faultOf(crl, at);
  if (fault) return { fault };
  const own = endOf(crl.nextUpdate ?? at, issuer);
  for (const signer of allowed) {
    if (signer === issuer) return { signer, ends: [own] };
    const ends = sources.trusted(signer);
    if (ends) return { signer, ends: [{ ...own, certificate: signer }, ...ends] };
  }
  return unusable('signer');
}

function maySignLists({ keyUsage }: PathCertificate): boolean {
  return keyUsage?.includes('cRLSign') !== false;
}

function faultOf(crl: PathCrl, at: Date): Extract<Usable, { fault: object }>['fault'] | undefined {
  const number = crl.extensions.find(({ oid }) => oid === extensionOids.crlNumber);
  const isUnknown = crl.extensions.some(({ oid, critical }) => critical && !processed.has(oid));
  if (isUnknown || crl.criticalEntryExtensions.some((oid) => !processedInEntries.has(oid)))
    return { code: 'crl-unusable', why: 'unknown-critical-extension' };
  if (!number || number.critical) return { code: 'crl-unusable', why: 'crl-number' };
  if (!crl.nextUpdate) return { code: 'crl-unusable', why: 'next-update' };
  if (at < crl.thisUpdate) return { code: 'crl-not-yet-valid' };
  if (at > crl.nextUpdate) return { code: 'crl-expired' };
  return undefined;
}

function unusable(why: CrlFault): Usable {
  return { fault: { code: 'crl-unusable', why } };
}

function endOf(at: Date, certificate: PathCertificate): PathEnd {
  return { at, what: 'revocation list', certificate };
}

const processed: ReadonlySet<string> = new Set([
  extensionOids.authorityKeyIdentifier,
  extensionOids.crlNumber,
  extensionOids.deltaCrlIndicator,
  extensionOids.issuingDistributionPoint,
]);
const processedInEntries: ReadonlySet<string> = new Set([extensionOids.reasonCode, extensionOids.certificateIssuer]);

// ---- delta CRLs and entries ----------------------------------------------------------------------------------------

/** The newest delta CRL that can be combined with the complete one: 6.3.3 (c), (h) and 5.2.4. */
function deltaOf(complete: PathCrl, signer: PathCertificate, at: Date, sources: CrlSources): PathCrl | undefined {
  const scope = encodedScope(complete);
  return sources
    .listsOf(complete.issuer.key)
    .find(
      (delta) =>
        followsOn(delta, complete) &&
        encodedScope(delta) === scope &&
        keyIdentifiersAgree(delta.authorityKeyIdentifier, complete.authorityKeyIdentifier) &&
        !faultOf(delta, at) &&
        sources.isSigned(delta, signer),
    );
}

/** The complete CRL is not older than what the delta CRL builds on, and older than the delta CRL itself. */
function followsOn({ baseCrlNumber, crlNumber }: PathCrl, complete: PathCrl): boolean {
  return (
    baseCrlNumber !== undefined &&
    crlNumber !== undefined &&
    complete.crlNumber !== undefined &&
    complete.crlNumber >= baseCrlNumber &&
    complete.crlNumber < crlNumber
  );
}

function encodedScope({ extensions }: PathCrl): string | undefined {
  return extensions.find(({ oid }) => oid === extensionOids.issuingDistributionPoint)?.value.toString('latin1');
}

/** 6.3.3 (i) to (k): the delta CRL has the last word. */
function lookUp(complete: PathCrl, delta: PathCrl | undefined, { serialNumber, issuer }: PathCertificate) {
  if (serialNumber === undefined) return undefined;
  return delta?.find(serialNumber, issuer) ?? complete.find(serialNumber, issuer);
}
