import type { KeyObject } from 'node:crypto';
import { type Certificate, isIssuedBy } from './certificate.ts';
import type { Content } from './contents.ts';
import { subjectPublicKeyInfo } from './keys.ts';
import { sameName } from './name.ts';

export interface OrderedChain {
  /** The private key of the leaf; where no certificate belongs to a key, the first key. */
  readonly key: KeyObject | undefined;
  /** Without a readable key: the one certificate of no authority that has issued none of the others. */
  readonly leaf: Certificate | undefined;
  /** From the issuer of the leaf to the root, as far as the file goes. */
  readonly chain: readonly Certificate[];
  /** What is neither the leaf nor in its chain. Copies are left out. */
  readonly others: readonly Certificate[];
}

/**
 * Which certificate is whose in a PFX or in the PEM made of it: by keys, names and signatures, never by the order of the
 * file, which in the guide's own example has the root before the secondary authority (requirements 85 to 88).
 */
export function orderedChain(items: readonly Content[]): OrderedChain {
  const certificates = distinct(items.flatMap((item) => (item.kind === 'certificate' ? [item.certificate] : [])));
  const pair = findPair(items);
  const key = pair?.key ?? items.find((item) => item.kind === 'key')?.key;
  const leaf = key ? pair?.certificate : loneLeaf(certificates);
  const chain = leaf ? chainOf(leaf, certificates) : [];
  const used = new Set([leaf, ...chain].map((certificate) => certificate?.der.toString('latin1')));
  return { key, leaf, chain, others: certificates.filter(({ der }) => !used.has(der.toString('latin1'))) };
}

interface Pair {
  readonly key: KeyObject;
  readonly certificate: Certificate;
}

/** Several certificates for one key: the one that the local key id marks, then the one that ends last. */
function findPair(items: readonly Content[]): Pair | undefined {
  const pairs: (Pair & { marked: boolean })[] = [];
  for (const item of items) {
    if (item.kind !== 'key') continue;
    const { key, localKeyId } = item;
    const spki = subjectPublicKeyInfo(key);
    for (const other of items) {
      if (other.kind !== 'certificate' || !other.certificate.subjectPublicKeyInfo.equals(spki)) continue;
      const marked = localKeyId !== undefined && other.localKeyId?.equals(localKeyId) === true;
      pairs.push({ key, certificate: other.certificate, marked });
    }
  }
  const [best] = pairs.sort(
    (one, other) => Number(other.marked) - Number(one.marked) || byEnd(one.certificate, other.certificate),
  );
  return best;
}

function loneLeaf(certificates: readonly Certificate[]): Certificate | undefined {
  const issuers = new Set(certificates.filter((one) => !isSelfIssued(one)).map(({ issuer }) => issuer.key));
  const leaves = certificates.filter(
    ({ subject, basicConstraints }) => !issuers.has(subject.key) && basicConstraints?.authority !== true,
  );
  return leaves.length === 1 ? leaves[0] : undefined;
}

function chainOf(leaf: Certificate, certificates: readonly Certificate[]): Certificate[] {
  const chain: Certificate[] = [];
  let current = leaf;
  while (!isSelfIssued(current) && chain.length < MAX_CHAIN) {
    const issuer = certificates
      .filter((other) => sameName(other.subject, current.issuer) && other !== leaf && !chain.includes(other))
      .sort((one, other) => Number(isSelfIssued(other)) - Number(isSelfIssued(one)) || byEnd(one, other))
      .slice(0, MAX_CANDIDATES)
      .find((other) => isIssuedBy(current, other));
    if (!issuer) break;
    chain.push(issuer);
    current = issuer;
  }
  return chain;
}

/** No real chain comes near; they bound how many signatures a file can make us verify. */
const MAX_CHAIN = 16;
const MAX_CANDIDATES = 32;

function isSelfIssued({ issuer, subject }: Certificate): boolean {
  return sameName(issuer, subject);
}

function byEnd(one: Certificate, other: Certificate): number {
  return other.notAfter.getTime() - one.notAfter.getTime();
}

function distinct(certificates: readonly Certificate[]): Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.der.toString('latin1'), certificate])).values()];
}
