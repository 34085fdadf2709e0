import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { PolicyOptions } from '../../src/verify/path/policies.ts';
import { encodeSigned, encodeTbsCertificate } from '../../src/x509/certificate.ts';
import { encodeDer, integer, sequence } from '../../src/x509/der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  encodeExtensions,
  keyUsage,
  subjectKeyIdentifier,
} from '../../src/x509/extensions.ts';
import { keyIdentifier, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { encodeName } from '../../src/x509/name.ts';
import { signatureAlgorithmFor, signBytes } from '../../src/x509/signature.ts';
import {
  alternativeNames,
  certificateIssuer,
  certificatePolicies,
  crlNumber,
  deltaCrlIndicator,
  distributionPoints,
  inhibitAnyPolicy,
  issuingDistributionPoint,
  nameConstraints,
  policyConstraints,
  policyMappings,
  reasonCode,
  unknownExtension,
} from '../../src/x509/testing/extensions.ts';
import { encodeTime } from '../../src/x509/time.ts';
import { seeded } from './random.ts';

/** PKIs with real signatures in which everything can be wrong. Keys are made once: an entity is a name with one of them. */

export const now = new Date('2026-11-21T12:00:00Z');
export const days = (count: number) => new Date(now.getTime() + count * 86_400_000);
export const keys = Array.from({ length: 10 }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

/** Everything as DER. */
export interface Pki {
  readonly anchors: readonly Buffer[];
  readonly intermediates: readonly Buffer[];
  /** Who signs indirect CRLs. */
  readonly delegates: readonly Buffer[];
  readonly crls: readonly Buffer[];
  readonly target: Buffer;
  readonly policies: PolicyOptions;
}

export interface Entity {
  readonly name: Buffer;
  readonly key: KeyObject;
}

const allPolicies = ['1.2.1', '1.2.2', '1.2.3', '2.5.29.32.0'];

/** Three to eight authorities that certify each other, a target, lists, and in most of them something wrong. */
export function randomPki(seed: number): Pki {
  const below = seeded(seed * 2_654_435_761);
  for (let warmUp = 0; warmUp < 10; warmUp++) below(2);
  const chance = (percent: number) => below(100) < percent;
  const pick = <T>(list: readonly T[]): T => {
    const item = list[below(list.length)];
    if (item === undefined) throw new Error('an empty list');
    return item;
  };
  const some = <T>(list: readonly T[]) => list.filter(() => chance(60));
  // Most PKIs have one or two faults; in the others there would hardly be a valid path.
  const faulty = chance(75);
  const fault = (percent: number) => faulty && chance(percent);
  const usesPolicies = chance(35);
  const usesConstraints = chance(40);

  const entities = keys
    .slice(0, 3 + below(5))
    .map((key, index) => ({ name: encodeName({ commonName: `CA ${index}` }), key }));
  let serial = 100n;
  const issued: { serial: bigint; issuer: Entity }[] = [];

  const issue = (subject: Entity, issuer: Entity, extensions: readonly Extension[]): Buffer => {
    serial += 1n;
    issued.push({ serial, issuer });
    const expired = fault(4);
    return certify({
      serial,
      subject,
      issuer,
      signer: fault(3) ? pick(keys) : issuer.key,
      notBefore: !expired && fault(3) ? days(1) : days(-100),
      notAfter: expired ? days(-1) : days(100),
      extensions: [
        ...extensions,
        ...(usesPolicies && !fault(10)
          ? [certificatePolicies(...[pick(allPolicies), ...some(allPolicies)].filter(unique))]
          : []),
        ...(fault(2) ? [unknownExtension(true)] : []),
      ],
    });
  };

  const authorityExtensions = (): Extension[] => [
    basicConstraints(
      fault(3) ? { authority: false } : { authority: true, pathLength: chance(25) ? below(4) : undefined },
    ),
    fault(5) ? keyUsage([pick(['keyCertSign', 'cRLSign', 'digitalSignature'])]) : keyUsage(['keyCertSign', 'cRLSign']),
    ...(usesConstraints && chance(40) ? [randomConstraints(pick, chance)] : []),
    ...(usesPolicies && chance(25)
      ? [policyConstraints({ explicit: below(4), ...(chance(50) && { mapping: below(3) }) })]
      : []),
    ...(usesPolicies && chance(20) ? [inhibitAnyPolicy(below(3))] : []),
    ...(usesPolicies && chance(30) ? [policyMappings(['1.2.1', pick(['1.2.1', '1.2.2'])], ['1.2.3', '1.2.2'])] : []),
  ];

  const roots = entities.slice(0, 1 + below(2));
  const anchors = roots.map((root) => issue(root, root, authorityExtensions()));
  const subordinates = entities.slice(roots.length);
  const intermediates = subordinates.flatMap((subject, index) => {
    // Mostly from above; sometimes by one that is below it itself, which makes cycles.
    const superior = () => (chance(80) ? pick(entities.slice(0, roots.length + index)) : pick(entities));
    return Array.from({ length: chance(30) ? 2 : 1 }, superior)
      .filter((issuer) => issuer !== subject && !fault(4))
      .map((issuer) => issue(subject, issuer, authorityExtensions()));
  });

  const issuer = pick(entities);
  const lists: Entity = { name: encodeName({ commonName: 'Lists' }), key: keys[8] ?? issuer.key };
  const isDelegated = chance(10);
  const delegates = isDelegated
    ? [issue(lists, issuer, [keyUsage(fault(10) ? ['digitalSignature'] : ['cRLSign'])])]
    : [];
  const peer: Entity = {
    name: encodeName({ organization: 'Example', commonName: 'Peer' }),
    key: keys[9] ?? issuer.key,
  };
  const target = issue(peer, issuer, [
    basicConstraints({ authority: false }),
    keyUsage(['digitalSignature']),
    alternativeNames(pick(['DNS:a.example.com', 'DNS:b.other.test']), 'URI:https://a.example.com/'),
    ...(isDelegated ? [distributionPoints({ crlIssuer: ['CN:Lists'] })] : []),
  ]);

  const revoked = issued.filter(() => fault(4));
  const crls = [
    ...entities.filter(() => !fault(5)).flatMap((entity) => randomLists(entity)),
    ...(isDelegated
      ? [
          crl(lists, {
            extensions: [issuingDistributionPoint({ indirect: true })],
            entries: revoked.map((entry) => ({
              serial: entry.serial,
              extensions: [certificateIssuer(`CN:CA ${entities.indexOf(issuer)}`)].filter(
                () => entry.issuer === issuer,
              ),
            })),
          }),
        ]
      : []),
  ];

  function randomLists(entity: Entity): Buffer[] {
    const entries = revoked.filter((entry) => entry.issuer === entity);
    const dates = { thisUpdate: fault(3) ? days(1) : days(-2), nextUpdate: fault(4) ? days(-1) : days(5) };
    const one = (extensions: readonly Extension[]) =>
      crl(entity, {
        ...dates,
        extensions: [...extensions, ...(fault(2) ? [unknownExtension(true)] : [])],
        entries,
        ...(fault(3) && { signer: pick(keys) }),
      });
    if (chance(12)) {
      const scopes = [issuingDistributionPoint({ only: 'user' }), issuingDistributionPoint({ only: 'ca' })];
      return scopes.filter(() => !fault(10)).map((scope) => one([scope]));
    }
    if (chance(8)) {
      const halves = [[1, 2, 3, 4], fault(30) ? [5, 6] : [5, 6, 7, 8]];
      return halves.map((reasons) => one([issuingDistributionPoint({ reasons })]));
    }
    if (!chance(15)) return [one([])];
    // OpenSSL looks for delta CRLs only where the complete one, or the certificate, says that there are some.
    const freshest = { ...distributionPoints({ fullName: ['URI:http://a.test/delta.crl'] }), oid: '2.5.29.46' };
    const removed = chance(50);
    const delta = crl(entity, {
      ...dates,
      number: pick([4n, 8n]),
      extensions: [deltaCrlIndicator(pick([3n, 5n, 7n]))],
      entries: issued
        .filter((entry) => entry.issuer === entity && chance(15))
        .map((entry) => ({ ...entry, extensions: [reasonCode(removed ? 8 : 1)] })),
    });
    return [one([freshest]), delta];
  }

  const policies = {
    ...(usesPolicies && chance(30) && { initialPolicies: [pick(allPolicies), pick(allPolicies)].filter(unique) }),
    explicitPolicy: usesPolicies && chance(30),
    inhibitPolicyMapping: chance(10),
    inhibitAnyPolicy: chance(10),
  };
  return { anchors, intermediates, delegates, crls, target, policies };
}

function randomConstraints(pick: <T>(list: readonly T[]) => T, chance: (percent: number) => boolean): Extension {
  const permitted = pick([
    ['DNS:example.com'],
    ['DNS:example.com', 'DNS:other.test'],
    ['O:Example'],
    ['URI:.example.com'],
  ]);
  const excluded = pick([['DNS:other.test'], ['O:Other'], ['URI:b.example.com'], ['DNS:b.example.com']]);
  if (chance(30)) return nameConstraints({ permitted, excluded });
  return nameConstraints(chance(50) ? { permitted } : { excluded });
}

export interface CertificateInput {
  readonly serial: bigint;
  readonly subject: Entity;
  readonly issuer: Entity;
  readonly signer?: KeyObject;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions: readonly Extension[];
}

export function certify({
  serial,
  subject,
  issuer,
  signer = issuer.key,
  extensions,
  ...dates
}: CertificateInput): Buffer {
  const content = {
    serialNumber: serial,
    issuer: issuer.name,
    subject: subject.name,
    notBefore: dates.notBefore ?? days(-100),
    notAfter: dates.notAfter ?? days(100),
    subjectPublicKeyInfo: subjectPublicKeyInfo(subject.key),
    extensions: [
      ...extensions,
      subjectKeyIdentifier(keyIdentifier(subjectPublicKeyInfo(subject.key))),
      authorityKeyIdentifier(keyIdentifier(subjectPublicKeyInfo(issuer.key))),
    ],
  };
  return signed(signer, (algorithm) => encodeTbsCertificate(content, algorithm));
}

export interface CrlInput {
  readonly signer?: KeyObject;
  /** Null for none. */
  readonly number?: bigint | null;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  readonly extensions?: readonly Extension[];
  readonly entries?: readonly { readonly serial: bigint; readonly extensions?: readonly Extension[] }[];
}

export function crl(issuer: Entity, content: CrlInput): Buffer {
  const { signer = issuer.key, number = 5n, thisUpdate = days(-2), nextUpdate = days(5) } = content;
  const { extensions = [], entries = [] } = content;
  const list = entries.map(({ serial, extensions: own = [] }) =>
    sequence(integer(serial), encodeTime(days(-3)), ...(own.length > 0 ? [encodeExtensions(own)] : [])),
  );
  const common = [
    authorityKeyIdentifier(keyIdentifier(subjectPublicKeyInfo(issuer.key))),
    ...(number === null ? [] : [crlNumber(number)]),
  ];
  return signed(signer, ({ der }) =>
    sequence(
      integer(1),
      der,
      issuer.name,
      encodeTime(thisUpdate),
      encodeTime(nextUpdate),
      ...(list.length > 0 ? [sequence(...list)] : []),
      encodeDer(0xa0, encodeExtensions([...common, ...extensions])),
    ),
  );
}

function signed(key: KeyObject, tbs: (algorithm: ReturnType<typeof signatureAlgorithmFor>) => Buffer): Buffer {
  const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(key));
  const bytes = tbs(algorithm);
  return encodeSigned(bytes, algorithm, signBytes(key, bytes));
}

function unique<T>(item: T, index: number, list: readonly T[]): boolean {
  return list.indexOf(item) === index;
}
