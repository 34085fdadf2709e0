import { unique } from '../../../topology/names.ts';
import type { PathFailure } from '../../path/verdict.ts';
import { titleOf } from '../../predict.ts';
import type { Chain, ChainFault } from '../chains.ts';
import type { Collection } from '../collection.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 42: a certificate is refused at upload while the peer does not trust who issued it. */
export const chainNotTrusted: EvidenceRule = {
  code: 'CHAIN_NOT_TRUSTED',
  title: "Nothing of a certificate's chain is on the trust list of its own peer.",
  holds: [42, 49],
  diagnosis: 'D06',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    for (const { chain, missing, list } of brokenBy(collection, 'nothing trusted'))
      yield {
        at: chain.leaf.at,
        value: missing,
        message: `its issuer ${titleOf({ subject: chain.leaf.certificate.issuer })} is not in ${list}, and nothing here shows a way from it to an authority that is: the upload ends with "Untrusted CA Certificate Chain"`,
        fix: `load ${missing}, and every authority above, into the trust list of this peer first`,
      };
  },
};

/** A new intermediate of the authority, or a list with the root alone. */
export const intermediateMissing: EvidenceRule = {
  code: 'INTERMEDIATE_MISSING',
  title: 'A trust list has the root of a chain, and not the authority between.',
  holds: [42, 49, 88],
  diagnosis: 'D07',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    for (const { chain, missing, list } of brokenBy(collection, 'intermediate missing'))
      yield {
        at: chain.leaf.at,
        value: missing,
        message: `${gapOf(chain)}, which is not in ${list}: the chain has a gap there`,
        fix: `get the certificate of ${missing} from the authority, and append it to the trust lists of both ends`,
      };
  },
};

/** A peer sends of its own chain what its own trust list holds. */
export const ownChainUnlisted: EvidenceRule = {
  code: 'OWN_CHAIN_UNLISTED',
  title: 'An authority of the chain lies beside the certificate, and is not on the trust list.',
  holds: [42, 49],
  diagnosis: 'D08',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    for (const { chain, missing, list } of brokenBy(collection, 'intermediate unlisted'))
      yield {
        at: chain.leaf.at,
        value: missing,
        message: `${missing} is not in ${list}: the peer would send its certificate alone, and others could build no chain`,
        fix: `move ${missing} to the trusted CA file`,
      };
  },
};

/** Requirement 88: server, secondary and root; the list takes both authorities. */
export const rootMissing: EvidenceRule = {
  code: 'ROOT_MISSING',
  title: 'A trust list has an intermediate authority, and not the root above it.',
  holds: [42, 49, 88],
  diagnosis: 'D09',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    for (const { chain, missing, list } of brokenBy(collection, 'root missing'))
      yield {
        at: chain.leaf.at,
        value: missing,
        message: `${gapOf(chain)}, which is not in ${list}: the chain does not reach a root`,
        fix: `append the certificate of ${missing}; a list takes the root and everything below it`,
      };
  },
};

/** Requirement 44: an authority of the right name whose key did not sign. */
export const issuerKeyDiffers: EvidenceRule = {
  code: 'ISSUER_KEY_DIFFERS',
  title: 'The authority on a trust list has the name of the issuer, and another key.',
  holds: [44],
  diagnosis: 'D23',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    for (const { chain, missing, list } of brokenBy(collection, 'other key'))
      yield {
        at: chain.leaf.at,
        value: missing,
        message: `its chain was not signed by the ${missing} that is in ${list}`,
        fix: `find the ${missing} with the key that signed it, put that on the list, and delete the other by hand`,
      };
  },
};

/** What else RFC 5280 6 has against a chain. */
export const chainInvalid: EvidenceRule = {
  code: 'CHAIN_INVALID',
  title: 'An authority of a chain may not issue what is below it, or a signature of it cannot be verified.',
  holds: [42],
  severity: 'error',
  releases: 'all',
  *check(collection) {
    for (const { leaf, fault } of collection.chains) {
      if (fault?.kind !== 'invalid') continue;
      yield {
        at: leaf.at,
        value: titleOf(fault.failure.certificate),
        message: reasonOf(fault.failure),
        fix:
          fault.failure.code === 'signature-algorithm'
            ? 'have it issued anew with SHA-256'
            : 'let another authority issue it, or have the certificate of this one issued without the restriction',
      };
    }
  },
};

function reasonOf(failure: PathFailure): string {
  const title = titleOf(failure.certificate);
  switch (failure.code) {
    case 'signature-algorithm':
      return `${title} is signed with ${failure.algorithm}, an algorithm that is not supported`;
    case 'path-length':
      return `${title} does not allow so many authorities below it`;
    case 'name-constraints':
      return `${titleOf(failure.constrainedBy)} may not issue for ${failure.name}`;
    case 'unknown-critical-extension':
      return `${title} has the critical extension ${failure.oid}, which no appliance is known to understand`;
    case 'policy':
      return `with ${title} no certificate policy is left that the chain allows`;
    case 'too-much-work':
      return 'the authorities certify each other in too many ways to try them all';
    default:
      return `${title} is no authority that is trusted`;
  }
}

function brokenBy(collection: Collection, kind: Exclude<ChainFault['kind'], 'invalid'>) {
  return collection.chains.flatMap((chain) =>
    chain.fault?.kind === kind ? [{ chain, missing: chain.fault.missing.join(', '), list: listOf(chain) }] : [],
  );
}

/** Which certificate's issuer is not found. */
function gapOf({ leaf, verdict }: Chain): string {
  const last = verdict?.valid === false ? verdict.failure.certificate : leaf.inPaths;
  return `${titleOf(last)} was issued by ${titleOf({ subject: last.issuer })}`;
}

function listOf({ folder }: Chain): string {
  return unique(folder.trusted.map(({ at }) => at)).join(', ');
}
