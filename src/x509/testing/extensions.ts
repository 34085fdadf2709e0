import { contextTag, encodeDer, integer, integerOctets, oid, sequence, Tag } from '../der.ts';
import { type Extension, extensionOids } from '../extensions.ts';
import { encodeName, type Subject } from '../name.ts';

/** Extensions that vcs-pki reads but does not write. */

/** As in "DNS:example.com", "CN:Example", "CN:Example/Unit" and "O:Example" (directory names), "IP:0a000000ff000000" (hex). */
export function generalName(text: string): Buffer {
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const value = text.slice(colon + 1);
  const tags: Readonly<Record<string, number>> = { email: 0x81, DNS: 0x82, URI: 0x86, IP: 0x87, 'Registered ID': 0x88 };
  const tag = tags[kind];
  if (tag !== undefined)
    return encodeDer(tag, Buffer.from(value, kind === 'IP' || kind === 'Registered ID' ? 'hex' : 'latin1'));
  return encodeDer(0xa4, encodeName(kind === 'O' ? { organization: value } : directoryName(value)));
}

/** "Example" is a common name, "Example/Unit" an organization and a unit in it, "Example/Unit/Peer" a common name below. */
export function directoryName(text: string): Subject {
  const [organization, organizationalUnit, commonName] = text.split('/');
  if (organizationalUnit === undefined) return { commonName: organization };
  return { organization, organizationalUnit, commonName };
}

export function alternativeNames(...names: readonly string[]): Extension {
  return { oid: extensionOids.subjectAlternativeName, critical: false, value: sequence(...names.map(generalName)) };
}

export function nameConstraints(content: {
  readonly permitted?: readonly string[];
  readonly excluded?: readonly string[];
}): Extension {
  const subtrees = (tag: number, names: readonly string[] = []) =>
    names.length === 0
      ? []
      : [encodeDer(contextTag(tag, 'constructed'), ...names.map((name) => sequence(generalName(name))))];
  const value = sequence(...subtrees(0, content.permitted), ...subtrees(1, content.excluded));
  return { oid: extensionOids.nameConstraints, critical: true, value };
}

export function certificatePolicies(...policies: readonly string[]): Extension {
  const value = sequence(...policies.map((policy) => sequence(oid(policy))));
  return { oid: extensionOids.certificatePolicies, critical: false, value };
}

export function policyMappings(...mappings: readonly (readonly [issuer: string, subject: string])[]): Extension {
  const value = sequence(...mappings.map(([issuer, subject]) => sequence(oid(issuer), oid(subject))));
  return { oid: extensionOids.policyMappings, critical: true, value };
}

export function policyConstraints(content: { readonly explicit?: number; readonly mapping?: number }): Extension {
  const field = (tag: number, count: number | undefined) =>
    count === undefined ? [] : [encodeDer(contextTag(tag, 'primitive'), integerOctets(BigInt(count)))];
  const value = sequence(...field(0, content.explicit), ...field(1, content.mapping));
  return { oid: extensionOids.policyConstraints, critical: true, value };
}

export function inhibitAnyPolicy(skipCerts: number): Extension {
  return { oid: extensionOids.inhibitAnyPolicy, critical: true, value: integer(skipCerts) };
}

export function unknownExtension(critical: boolean): Extension {
  return { oid: '1.3.6.1.4.1.99999.1', critical, value: sequence() };
}

// ---- distribution points -------------------------------------------------------------------------------------------

export interface PointContent {
  readonly fullName?: readonly string[];
  /** A common name, relative to the CRL issuer. */
  readonly relativeName?: string;
  /** Numbers of ReasonFlags. */
  readonly reasons?: readonly number[];
  readonly crlIssuer?: readonly string[];
}

export function distributionPoints(...points: readonly PointContent[]): Extension {
  const value = sequence(
    ...points.map((point) =>
      sequence(
        ...pointName(point),
        ...reasonFlags(1, point.reasons),
        ...(point.crlIssuer ? [encodeDer(0xa2, ...point.crlIssuer.map(generalName))] : []),
      ),
    ),
  );
  return { oid: extensionOids.crlDistributionPoints, critical: false, value };
}

export interface ScopeContent extends PointContent {
  readonly only?: 'user' | 'ca' | 'attribute';
  readonly indirect?: boolean;
}

export function issuingDistributionPoint(content: ScopeContent): Extension {
  const flag = (tag: number, on: boolean | undefined) =>
    on ? [encodeDer(contextTag(tag, 'primitive'), Buffer.of(0xff))] : [];
  const value = sequence(
    ...pointName(content),
    ...flag(1, content.only === 'user'),
    ...flag(2, content.only === 'ca'),
    ...reasonFlags(3, content.reasons),
    ...flag(4, content.indirect),
    ...flag(5, content.only === 'attribute'),
  );
  return { oid: extensionOids.issuingDistributionPoint, critical: true, value };
}

function pointName({ fullName, relativeName }: PointContent): Buffer[] {
  if (fullName) return [encodeDer(0xa0, encodeDer(0xa0, ...fullName.map(generalName)))];
  if (relativeName === undefined) return [];
  const attribute = sequence(oid('2.5.4.3'), encodeDer(Tag.utf8String, Buffer.from(relativeName)));
  return [encodeDer(0xa0, encodeDer(0xa1, attribute))];
}

function reasonFlags(tag: number, reasons: readonly number[] | undefined): Buffer[] {
  if (!reasons) return [];
  const bits = reasons.reduce((sum, flag) => sum | (0x8000 >> flag), 0);
  return [encodeDer(contextTag(tag, 'primitive'), Buffer.of(7, bits >> 8, bits & 0x80))];
}

// ---- CRLs ----------------------------------------------------------------------------------------------------------

export function crlNumber(number: bigint, critical = false): Extension {
  return { oid: extensionOids.crlNumber, critical, value: integer(number) };
}

export function deltaCrlIndicator(base: bigint): Extension {
  return { oid: extensionOids.deltaCrlIndicator, critical: true, value: integer(base) };
}

/** Of an entry. */
export function certificateIssuer(...names: readonly string[]): Extension {
  return { oid: extensionOids.certificateIssuer, critical: true, value: sequence(...names.map(generalName)) };
}

/** Of an entry: the number of a CRLReason. */
export function reasonCode(code: number): Extension {
  return { oid: extensionOids.reasonCode, critical: false, value: encodeDer(Tag.enumerated, Buffer.of(code)) };
}
