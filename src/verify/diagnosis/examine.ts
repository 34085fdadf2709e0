import { bySeverity } from '../../topology/findings.ts';
import { type Found, findingOf } from '../../topology/rules/rule.ts';
import type { EvidenceInput, Examined } from './artefact.ts';
import { collect } from './collection.ts';
import { notChecked } from './not-checked.ts';
import { printable } from './printable.ts';
import { authorityKeyUsage, basicConstraintsMissing } from './rules/authority.ts';
import {
  chainInvalid,
  chainNotTrusted,
  intermediateMissing,
  issuerKeyDiffers,
  ownChainUnlisted,
  rootMissing,
} from './rules/chain.ts';
import { authorityOfDays, certificateExpired, certificateNotYetValid, endAfter2049 } from './rules/dates.ts';
import { factoryCertificate } from './rules/factory-state.ts';
import { chainInServerFile, fileDamaged, fileNotPem, fileNotPlain } from './rules/file-form.ts';
import { pairMismatch, requestNotAnswered, requestsSeveral } from './rules/key-pair.ts';
import { keyBits, keyKind, keyWeak } from './rules/key-size.ts';
import { logRules } from './rules/log.ts';
import {
  alternativeNameNotAscii,
  alternativeNamesCut,
  alternativeNamesMissing,
  clusterNameNotShared,
  commonNameMissing,
  nameAttribute,
  wildcardCertificate,
} from './rules/names.ts';
import {
  caKeyReadable,
  copyExtensions,
  directoryDigest,
  indexDamaged,
  indexLost,
  uniqueSubject,
} from './rules/openssl-directory.ts';
import { keyNewline, keyProtected } from './rules/private-key.ts';
import { renewalAuthority, renewalLost } from './rules/renewal.ts';
import { certificateRevoked, crlAbsent, crlFilesSeveral, crlOfAnotherKey, crlPast } from './rules/revocation-list.ts';
import type { EvidenceRule } from './rules/rule.ts';
import { selfSignedCertificate } from './rules/self-signed.ts';
import { serialNumber } from './rules/serial-number.ts';
import { notRestarted, servedAlone, servedName } from './rules/served.ts';
import { certificateDigest, requestDigest } from './rules/signature-digest.ts';
import { authorityNamesake, authorityRepeated, trustListsDiffer } from './rules/trust-list.ts';
import { acmeCertificate, clientAuthMissing, serverAuthMissing, usageNotStated } from './rules/usage.ts';

/** The rules on evidence. The cause stands before what follows from it, so that it is named first. */
export const evidenceRules: readonly EvidenceRule[] = [
  fileDamaged,
  fileNotPlain,
  requestsSeveral,
  fileNotPem,
  keyProtected,
  keyNewline,
  pairMismatch,
  requestNotAnswered,
  indexDamaged,
  indexLost,
  factoryCertificate,
  selfSignedCertificate,
  notRestarted,
  acmeCertificate,
  renewalLost,
  renewalAuthority,
  clientAuthMissing,
  serverAuthMissing,
  usageNotStated,
  commonNameMissing,
  alternativeNamesMissing,
  wildcardCertificate,
  alternativeNamesCut,
  alternativeNameNotAscii,
  clusterNameNotShared,
  servedName,
  nameAttribute,
  keyBits,
  keyWeak,
  keyKind,
  certificateDigest,
  requestDigest,
  serialNumber,
  certificateExpired,
  certificateNotYetValid,
  authorityOfDays,
  endAfter2049,
  basicConstraintsMissing,
  authorityKeyUsage,
  issuerKeyDiffers,
  chainNotTrusted,
  intermediateMissing,
  rootMissing,
  ownChainUnlisted,
  chainInvalid,
  servedAlone,
  authorityNamesake,
  authorityRepeated,
  trustListsDiffer,
  certificateRevoked,
  crlPast,
  crlOfAnotherKey,
  crlAbsent,
  crlFilesSeveral,
  chainInServerFile,
  uniqueSubject,
  directoryDigest,
  copyExtensions,
  caKeyReadable,
  ...logRules,
];

/** What the rules have to say about what was given, errors first, and what they could not look at. */
export function examine(input: EvidenceInput): Examined {
  const collection = collect(input);
  const findings = evidenceRules
    .flatMap((rule) => [...rule.check(collection)].map((found) => findingOf(rule, withPrintable(found))))
    .sort(bySeverity);
  return { findings, notChecked: notChecked(collection).map(printable) };
}

/** Names of files and certificates come from whoever made them. */
function withPrintable(found: Found): Found {
  const { at, value, message, fix } = found;
  return { ...found, at: printable(at), value: printable(value), message: printable(message), fix: printable(fix) };
}
