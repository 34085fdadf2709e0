import { VcsPkiError } from '../errors.ts';
import { derInvalid } from './der.ts';

/**
 * What opening the encrypted parts of one file may still cost, in rounds of PBKDF2-HMAC-SHA256. The file itself says how
 * many rounds a key takes, so it could ask for years of work.
 */
export interface WorkLimit {
  roundsLeft: number;
}

/** About a second; the PKCS #12 files of vcs-pki take 2,400,000. */
export function workLimit(): WorkLimit {
  return { roundsLeft: MAX_ROUNDS };
}

/** Takes `iterations` times `weight` rounds from the limit. Fails with KEY_DERIVATION_TOO_LONG; below 1 with DER_INVALID. */
export function spend(limit: WorkLimit, iterations: bigint, weight: number, at: string): void {
  if (iterations < 1n) throw derInvalid(at, `${iterations} iterations of a key derivation`);
  if (iterations * BigInt(weight) > limit.roundsLeft)
    throw new VcsPkiError('KEY_DERIVATION_TOO_LONG', {
      at,
      message: `opening it takes more than the ${MAX_ROUNDS} rounds of key derivation that are done for one file`,
      fix: 'open it with the program that made it and protect it anew with fewer iterations, 600000 for example',
      value: `${iterations} iterations`,
    });
  limit.roundsLeft -= Number(iterations) * weight;
}

const MAX_ROUNDS = 2_500_000;
