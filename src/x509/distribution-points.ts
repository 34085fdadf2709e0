import { contextTag, type DerReader, derInvalid, encodeDer, sequence, Tag } from './der.ts';
import { type GeneralName, readGeneralNames } from './general-name.ts';
import { type Name, readName } from './name.ts';

/** Where CRLs are and what they cover, as certificates (RFC 5280 4.2.1.13) and CRLs (5.2.5) say it. */

/** The relative name is added to the name of the CRL issuer. */
export type DistributionPointName = { readonly fullName: readonly GeneralName[] } | { readonly relativeName: Name };

export interface DistributionPoint {
  readonly name: DistributionPointName | undefined;
  /** ReasonFlags as a number whose bit n is flag n; undefined for all of them. */
  readonly reasons: number | undefined;
  /** Who signs the CRL, where that is not the issuer of the certificate. */
  readonly crlIssuer: readonly GeneralName[] | undefined;
}

export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCaCerts: boolean;
  readonly onlyContainsAttributeCerts: boolean;
  /** As in a distribution point. */
  readonly onlySomeReasons: number | undefined;
  readonly indirectCrl: boolean;
}

/** keyCompromise (flag 1) to aACompromise (flag 8). */
export const ALL_REASONS = 0b1_1111_1110;

export function readDistributionPoints(reader: DerReader): DistributionPoint[] {
  const what = 'a CRL distribution point';
  const list = reader.enter(Tag.sequence, what);
  const points: DistributionPoint[] = [];
  while (list.more) {
    const fields = list.enter(Tag.sequence, what);
    const name = readPointName(fields, what);
    const reasons = readReasons(fields, 1, what);
    const crlIssuer = fields.enterOptional(contextTag(2, 'constructed'), what);
    points.push({ name, reasons, crlIssuer: crlIssuer && readGeneralNames(crlIssuer) });
    fields.end(what);
  }
  return points;
}

export function readIssuingDistributionPoint(reader: DerReader): IssuingDistributionPoint {
  const what = 'the issuing distribution point';
  const fields = reader.enter(Tag.sequence, what);
  const point = {
    name: readPointName(fields, what),
    onlyContainsUserCerts: readFlag(fields, 1, what),
    onlyContainsCaCerts: readFlag(fields, 2, what),
    onlySomeReasons: readReasons(fields, 3, what),
    indirectCrl: readFlag(fields, 4, what),
    onlyContainsAttributeCerts: readFlag(fields, 5, what),
  };
  fields.end(what);
  return point;
}

/** The URLs among the names of distribution points. */
export function urlsOf(points: readonly DistributionPoint[]): string[] {
  return points.flatMap(({ name }) =>
    name && 'fullName' in name ? name.fullName.filter(({ kind }) => kind === 'URI').map(({ value }) => value) : [],
  );
}

function readPointName(fields: DerReader, what: string): DistributionPointName | undefined {
  const choice = fields.enterOptional(contextTag(0, 'constructed'), what);
  if (!choice) return undefined;
  const full = choice.enterOptional(contextTag(0, 'constructed'), what);
  if (full) {
    choice.end(what);
    return { fullName: readGeneralNames(full) };
  }
  const { content } = choice.next(contextTag(1, 'constructed'), what);
  choice.end(what);
  return { relativeName: readName(sequence(encodeDer(Tag.set, content)), fields.at) };
}

/** BOOLEAN DEFAULT FALSE under a context-specific tag, which the check of the encoding does not look into. */
function readFlag(fields: DerReader, tag: number, what: string): boolean {
  const content = fields.optional(contextTag(tag, 'primitive'), what)?.content;
  if (!content) return false;
  const [octet] = content;
  if (content.length !== 1 || (octet !== 0 && octet !== 0xff))
    throw derInvalid(fields.at, `${what} has a BOOLEAN that is neither 00 nor FF`);
  return octet === 0xff;
}

function readReasons(fields: DerReader, tag: number, what: string): number | undefined {
  const content = fields.optional(contextTag(tag, 'primitive'), what)?.content;
  if (!content) return undefined;
  const [unused = 8, first = 0, second = 0] = content;
  if (unused > 7) throw derInvalid(fields.at, `${what} has reasons that are no BIT STRING`);
  // Flag n is the nth bit from the left: the two octets, mirrored.
  let reasons = 0;
  for (let flag = 0; flag < 16; flag++) if (((first << 8) | second) & (0x8000 >> flag)) reasons |= 1 << flag;
  return reasons & ALL_REASONS;
}
