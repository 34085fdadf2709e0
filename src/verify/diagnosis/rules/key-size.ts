import type { Release } from '../../../topology/releases/release.ts';
import { describeKey } from '../../../x509/keys.ts';
import { LEAST_RSA_BITS, type WeakKey, weakKey } from '../../../x509/weak-key.ts';
import type { Collection } from '../collection.ts';
import { keyIdentity } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 41: 4096 bits are recommended, 2048 are what the examples have, and with 8192 zones may stay down. */
export const keyBits: EvidenceRule = {
  code: 'KEY_BITS',
  title: 'An RSA key is too small, or larger than appliances cope with.',
  holds: [41],
  diagnosis: 'D29',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    const { ofPeers, ofAuthorities } = keysOf(collection);
    for (const { at, subjectPublicKeyInfo } of ofPeers) {
      const bits = rsaBits(subjectPublicKeyInfo);
      const message = 'SIP TLS zones may never become active with a key of this size';
      if (bits > MOST_BITS) yield { at, value: `RSA ${bits}`, message, fix: ANOTHER_KEY };
    }
    for (const { at, subjectPublicKeyInfo } of [...ofPeers, ...ofAuthorities]) {
      const bits = rsaBits(subjectPublicKeyInfo);
      const message = `verifiers refuse keys of fewer than ${LEAST_RSA_BITS} bits as too small`;
      if (bits < LEAST_RSA_BITS) yield { at, value: `RSA ${bits}`, message, fix: ANOTHER_KEY };
    }
  },
};

/** Verifiers do not look, and so it is whoever finds out that tells. Small keys are for the rule on sizes. */
export const keyWeak: EvidenceRule = {
  code: 'RSA_KEY_WEAK',
  title:
    'An RSA key is one that others can break: its public exponent is even or small, or its modulus has a small factor.',
  holds: [41],
  diagnosis: 'D29',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    const { ofPeers, ofAuthorities } = keysOf(collection);
    for (const { at, subjectPublicKeyInfo: spki } of [...ofPeers, ...ofAuthorities]) {
      const weak = rsaBits(spki) < LEAST_RSA_BITS ? undefined : weaknessOf(spki);
      if (weak) yield { at, value: weak.value, message: `the key is weak: ${weak.reason}`, fix: ANOTHER_KEY };
    }
  },
};

const ANOTHER_KEY = 'make a key of 4096 bits, and have a certificate issued for it';

interface HeldKey {
  readonly at: string;
  readonly subjectPublicKeyInfo: Buffer;
}

/** Each key that is in use or to be used, those of authorities apart. */
function keysOf({
  folders,
  leaves,
  authorities,
  renewals,
}: Collection): Record<'ofPeers' | 'ofAuthorities', HeldKey[]> {
  const ofAuthorities = authorities.map(({ at, certificate }) => ({ at, ...certificate }));
  const inNames = [
    ...leaves.map(({ at, certificate }) => ({ at, ...certificate })),
    ...folders.flatMap(({ requests }) => requests.map(({ at, request }) => ({ at, ...request }))),
  ];
  const replaced = renewals.map(({ older }) => older.certificate);
  const seen = new Set([...inNames, ...ofAuthorities, ...replaced].map(keyIdentity));
  const alone = folders.flatMap(({ keys }) => keys).filter((key) => !seen.has(keyIdentity(key)));
  return { ofPeers: [...inNames, ...alone], ofAuthorities };
}

/** ECDSA keys are offered, and documented, from X14.3 on; other types never. */
export const keyKind: EvidenceRule = {
  code: 'KEY_KIND',
  title: 'A key is of a type that the documents of the release do not name.',
  holds: [41],
  severity: 'warning',
  releases: 'ECDSA before X14.3, other types on all',
  *check({ leaves, release }) {
    for (const { at, certificate } of leaves) {
      const key = kindOf(certificate.subjectPublicKeyInfo);
      if (key.startsWith('RSA ') || isDocumented(key, release)) continue;
      yield {
        at,
        value: key,
        message: `${key} keys are not documented for ${release?.name ?? 'any release'}`,
        fix: 'use RSA with 4096 bits, or from X14.3 on ECDSA on P-256, P-384 or P-521',
      };
    }
  },
};

/** "EC P-256" is `ec-p256` among the keys of a release; without one, of the last that is known. */
function isDocumented(key: string, release: Release | undefined): boolean {
  const name = key.replace('EC P-', 'ec-p');
  return (release?.keys ?? ['ec-p256', 'ec-p384', 'ec-p521']).some((known) => known === name);
}

/** NaN for other keys, which is neither more nor less than anything. */
function rsaBits(spki: Buffer): number {
  return Number(/^RSA (\d+)$/.exec(kindOf(spki))?.[1]);
}

function weaknessOf(spki: Buffer): WeakKey | undefined {
  try {
    return weakKey(spki);
  } catch {
    return undefined;
  }
}

/** A certificate may hold anything where its key should be. */
function kindOf(spki: Buffer): string {
  try {
    return describeKey(spki);
  } catch {
    return 'unreadable';
  }
}

const MOST_BITS = 4096;
