import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { demands } from '../../src/topology/demands.ts';
import { links } from '../../src/topology/links/links.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import { type PathCertificate, pathCertificate, pathCrl } from '../../src/verify/path/path-certificate.ts';
import { type Evidence, type LinkVerdict, prove } from '../../src/verify/prove.ts';
import { encodeSigned, encodeTbsCertificate, readCertificate } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { oid, sequence } from '../../src/x509/der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  extendedKeyUsage,
  keyUsage,
  subjectAlternativeName,
} from '../../src/x509/extensions.ts';
import { keyIdentifier, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { encodeName } from '../../src/x509/name.ts';
import { nameConstraints } from '../../src/x509/testing/extensions.ts';
import { certify, crl, type Entity } from '../support/random-pki.ts';

/** What can be wrong with a link, and the diagnosis where it has one. `none` and those marked good must verify. */
export const faults = {
  none: 'good',
  'intermediate on no list': 'D07',
  'own intermediate not on the own list': 'D08',
  'root missing from the list': 'D09',
  'other root not trusted': 'D10',
  'another peer address': 'D11',
  'an IP address as peer address': 'D12',
  'no cluster name in the certificate': 'D13',
  'for servers only': 'D14',
  'for clients only': 'D14',
  'list of the issuer expired': 'D15',
  'list of the issuer missing': 'D16',
  'list of the root missing': 'D16',
  'a wildcard name': 'D18',
  'an authority with the same subject and another key beside it': 'D23',
  'signed with SHA-1': 'D30',
  'authority without basic constraints': 'D32',
  'expired certificate': 'dates',
  'expired intermediate': 'dates',
  'certificate not valid yet': 'dates',
  'revoked certificate': 'revocation',
  'revoked intermediate': 'revocation',
  'too many authorities below the root': 'chain',
  'a name that the authority may not issue for': 'chain',
  'intermediate for servers only': 'usage',
  'self-signed certificate': 'chain',
  'no alternative names': 'names',
  'the common name is no alternative name': 'names',
  'root certified by another root too': 'good',
} as const satisfies Record<string, string>;
export type Fault = keyof typeof faults;

/** A collaboration edge in few words; everything else follows. */
export interface Spec {
  readonly zone: 'traversal' | 'neighbor';
  readonly unifiedCommunications: boolean;
  readonly release: string;
  readonly corePeers: 1 | 2;
  readonly edgePeers: 1 | 2;
  readonly clusterNames: boolean;
  readonly enforce: boolean;
  /** Intermediate authorities between root and certificate, for each side. */
  readonly coreDepth: 0 | 1 | 2;
  readonly edgeDepth: 0 | 1 | 2;
  readonly sharedRoot: boolean;
  readonly revocationChecking: boolean;
  readonly fault: Fault;
  /** Whose certificates, or whose trust list, the fault is in. */
  readonly side: 'core' | 'edge';
}

export interface PeerMaterial {
  readonly certificate: Buffer;
  readonly key: KeyObject;
}

/** A topology with real keys, certificates and lists, and what the proof says of its links. */
export interface World {
  readonly topology: TopologyInput;
  readonly verdicts: readonly LinkVerdict[];
  /** By demand id. */
  readonly material: ReadonlyMap<string, PeerMaterial>;
  /** DER, by cluster. */
  readonly trustLists: ReadonlyMap<string, readonly Buffer[]>;
  readonly crls: readonly Buffer[];
}

const DAY = 24 * 3600 * 1000;
/** Made once: nothing in these tests depends on which key it is, and the making is slow. */
const keys = Array.from({ length: 16 }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

function keyAt(index: number): KeyObject {
  const key = keys[index % keys.length];
  if (!key) throw new Error('there are keys');
  return key;
}

export function topologyOf(spec: Spec): TopologyInput {
  const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
  const edgeAddress = spec.fault === 'an IP address as peer address' ? '192.0.2.7' : 'expe.exmaple.com';
  const wrong = spec.fault === 'an IP address as peer address' || spec.fault === 'another peer address';
  const zone = wrong ? { peerAddresses: [edgeAddress] } : {};
  const cluster = (id: string, count: number) => ({
    id,
    product: id === 'core' ? ('expressway-c' as const) : ('expressway-e' as const),
    release: spec.release,
    issuer: 'ca',
    peers: Array.from({ length: count }, (_, index) => peer(`${id === 'core' ? 'expc' : 'expe'}${index + 1}`)),
    revocationChecking: spec.revocationChecking,
    clusterTls: spec.enforce ? ('enforce' as const) : ('permissive' as const),
    ...(spec.clusterNames && { clusterName: id === 'core' ? 'expc.example.com' : 'expe.example.com' }),
  });
  return {
    name: 'truth',
    authorities: [{ id: 'ca', subject: { commonName: 'stands for the authorities of the test' } }],
    clusters: [cluster('core', spec.corePeers), cluster('edge', spec.edgePeers)],
    domains: [{ name: 'example.com', unifiedCommunications: true }],
    zones: [
      spec.zone === 'traversal'
        ? {
            kind: 'traversal',
            id: 'zone',
            client: 'core',
            server: 'edge',
            unifiedCommunications: spec.unifiedCommunications,
            ...zone,
          }
        : { kind: 'neighbor', id: 'zone', cluster: 'core', neighbor: 'edge', ...zone },
    ],
  };
}

/** Issues for real what the spec says, and proves the links on that. */
export function buildWorld(spec: Spec, now: Date): World {
  const at = (days: number) => new Date(Math.floor(now.getTime() / 1000) * 1000 + days * DAY);
  const { fault } = spec;
  let serial = 0x4a00n;
  let keyIndex = 0;
  const entity = (commonName: string): Entity => {
    keyIndex += 1;
    return { name: encodeName({ commonName }), key: keyAt(keyIndex) };
  };
  const authorityExtensions = (extra: readonly Extension[] = [], pathLength?: number): Extension[] => [
    basicConstraints({ authority: true, pathLength }),
    keyUsage(['keyCertSign', 'cRLSign']),
    ...extra,
  ];
  const certificates = new Map<Entity, Buffer>();
  const serials = new Map<Entity, bigint>();
  const issue = (
    subject: Entity,
    issuer: Entity,
    extensions: readonly Extension[],
    dates: { notBefore?: Date; notAfter?: Date } = {},
  ): Buffer => {
    serial += 1n;
    serials.set(subject, serial);
    const { notBefore = at(-30), notAfter = at(300) } = dates;
    const der = certify({ serial, subject, issuer, extensions, notBefore, notAfter });
    certificates.set(subject, der);
    return der;
  };

  const sides = (['core', 'edge'] as const).map((id) => ({ id, faulty: spec.side === id }));
  const rootOf = new Map<string, Entity>();
  const chains = new Map<string, Entity[]>();
  const extra: Buffer[] = [];
  for (const { id, faulty } of sides) {
    const has = (wanted: Fault) => faulty && fault === wanted;
    const [first] = rootOf.values();
    const root = spec.sharedRoot && first ? first : entity(`Root of ${spec.sharedRoot ? 'both' : id}`);
    if (!certificates.has(root)) {
      const tooMany = fault === 'too many authorities below the root';
      const plain = has('authority without basic constraints') && !spec.sharedRoot;
      issue(
        root,
        root,
        plain ? [keyUsage(['keyCertSign', 'cRLSign'])] : authorityExtensions([], tooMany ? 0 : undefined),
      );
    }
    rootOf.set(id, root);
    const chain: Entity[] = [root];
    const depth = id === 'core' ? spec.coreDepth : spec.edgeDepth;
    for (let level = 1; level <= depth; level++) {
      const issuer = chain.at(-1) ?? root;
      const intermediate = entity(`${id} CA ${level}`);
      const constraints = has('a name that the authority may not issue for') && level === 1;
      const limited = has('intermediate for servers only') && level === depth;
      const extensions = [
        ...(constraints ? [nameConstraints({ permitted: ['DNS:example.org'] })] : []),
        ...(limited ? [extendedKeyUsage(['serverAuth'])] : []),
      ];
      const dates = has('expired intermediate') && level === depth ? { notAfter: at(-1) } : {};
      const plain = has('authority without basic constraints') && level === depth;
      issue(
        intermediate,
        issuer,
        plain ? [keyUsage(['keyCertSign', 'cRLSign'])] : authorityExtensions(extensions),
        dates,
      );
      chain.push(intermediate);
    }
    chains.set(id, chain);
    const issuer = chain.at(-1) ?? root;
    if (has('an authority with the same subject and another key beside it')) {
      const twin = { name: issuer.name, key: keyAt(15) };
      serial += 1n;
      extra.push(
        certify({
          serial,
          subject: twin,
          issuer: twin,
          extensions: authorityExtensions(),
          notBefore: at(-300),
          notAfter: at(300),
        }),
      );
    }
    if (has('root certified by another root too')) {
      const other = entity('An older root');
      serial += 1n;
      extra.push(
        certify({
          serial,
          subject: root,
          issuer: other,
          extensions: authorityExtensions(),
          notBefore: at(-300),
          notAfter: at(300),
        }),
      );
    }
  }

  const topology = topologyOf(spec);
  const parsed = parseTopology(topology, 'truth');
  const material = new Map<string, PeerMaterial>();
  const revoked: { issuer: Entity; serial: bigint }[] = [];
  for (const demand of demands(parsed)) {
    const faulty = demand.cluster === spec.side;
    const has = (wanted: Fault) => faulty && fault === wanted;
    const chain = chains.get(demand.cluster) ?? [];
    const weak = has('signed with SHA-1');
    const holder = { name: encodeName({ commonName: demand.subject.commonName }), key: entity('a key').key };
    const last = chain.at(-1);
    if (!last) throw new Error('every side has a root');
    const issuer = has('self-signed certificate') ? holder : last;
    const names = has('no cluster name in the certificate')
      ? demand.names.filter((name) => !/^exp[ce]\.example/.test(name))
      : has('a wildcard name')
        ? ['*.example.com']
        : has('the common name is no alternative name')
          ? ['other.example.com', ...demand.names.filter((name) => name !== demand.subject.commonName)]
          : demand.names;
    const usages = has('for servers only')
      ? (['serverAuth'] as const)
      : has('for clients only')
        ? (['clientAuth'] as const)
        : demand.usages;
    const extensions = [
      basicConstraints({ authority: false }),
      keyUsage(['digitalSignature']),
      extendedKeyUsage(usages),
      ...(has('no alternative names') ? [] : [subjectAlternativeName(names)]),
    ];
    const dates = has('expired certificate')
      ? { notAfter: at(-1) }
      : has('certificate not valid yet')
        ? { notBefore: at(1) }
        : {};
    const named = has('a wildcard name') ? { ...holder, name: encodeName({ commonName: '*.example.com' }) } : holder;
    const der = weak
      ? signedWithSha1(named, issuer, extensions, serial + 0x1000n, at)
      : issue(named, issuer, extensions, dates);
    material.set(demand.id, { certificate: der, key: holder.key });
    if (has('revoked certificate')) revoked.push({ issuer, serial });
  }
  for (const { id, faulty } of sides) {
    const chain = chains.get(id) ?? [];
    const [above, intermediate] = chain.slice(-2);
    if (faulty && fault === 'revoked intermediate' && above && intermediate && above !== intermediate)
      revoked.push({ issuer: above, serial: serials.get(intermediate) ?? 0n });
  }

  const authorities = [...new Set([...chains.values()].flat())];
  const crls = authorities.flatMap((authority) => {
    const ofSide = [...(chains.get(spec.side) ?? [])];
    const isIssuer = authority === ofSide.at(-1);
    const isRoot = authority === ofSide[0];
    if (fault === 'list of the issuer missing' && isIssuer) return [];
    if (fault === 'list of the root missing' && isRoot) return [];
    const expired = fault === 'list of the issuer expired' && isIssuer;
    const entries = revoked.filter(({ issuer }) => issuer === authority).map((entry) => ({ serial: entry.serial }));
    return crl(authority, { thisUpdate: at(-8), nextUpdate: expired ? at(-1) : at(7), entries });
  });

  const trustLists = new Map<string, readonly Buffer[]>();
  for (const { id, faulty } of sides) {
    const other = id === 'core' ? 'edge' : 'core';
    const own = (chains.get(id) ?? []).map((one) => certificates.get(one) ?? Buffer.alloc(0));
    const theirs = (chains.get(other) ?? []).map((one) => certificates.get(one) ?? Buffer.alloc(0));
    const roots = [own[0], theirs[0]].filter((one) => one !== undefined);
    let list = [...new Set([...own, ...theirs])];
    if (fault === 'intermediate on no list') list = roots;
    if (fault === 'own intermediate not on the own list') list = faulty ? roots : [...new Set([...own, ...roots])];
    if (fault === 'root missing from the list' && faulty) list = list.filter((one) => !roots.includes(one));
    if (fault === 'other root not trusted' && faulty) list = own;
    trustLists.set(id, [...extra, ...list]);
  }

  const read = new Map<string, PathCertificate>();
  const certificateOf = (der: Buffer): PathCertificate => {
    const key = der.toString('base64');
    const known = read.get(key) ?? pathCertificate(readCertificate(der, 'truth'));
    read.set(key, known);
    return known;
  };
  const evidence: Evidence = {
    certificates: new Map([...material].map(([id, { certificate }]) => [id, certificateOf(certificate)])),
    sent: new Map(),
    trustLists: new Map([...trustLists].map(([id, list]) => [id, list.map(certificateOf)])),
    revocationLists: crls.map((der) => pathCrl(readCrl(der, 'truth'))),
    elsewhere: new Set(),
  };
  return { topology, verdicts: prove(links(parsed), evidence, now), material, trustLists, crls };
}

/** Our own signer knows no SHA-1. */
function signedWithSha1(
  subject: Entity,
  issuer: Entity,
  extensions: readonly Extension[],
  serialNumber: bigint,
  at: (days: number) => Date,
): Buffer {
  const algorithm = { name: 'ecdsa-with-SHA1', der: sequence(oid('1.2.840.10045.4.1')), digest: 'sha1' };
  const subjectKey = subjectPublicKeyInfo(subject.key);
  const tbs = encodeTbsCertificate(
    {
      serialNumber,
      issuer: issuer.name,
      subject: subject.name,
      notBefore: at(-30),
      notAfter: at(300),
      subjectPublicKeyInfo: subjectKey,
      extensions: [...extensions, authorityKeyIdentifier(keyIdentifier(subjectPublicKeyInfo(issuer.key)))],
    },
    algorithm,
  );
  return encodeSigned(tbs, algorithm, sign('sha1', tbs, issuer.key));
}
