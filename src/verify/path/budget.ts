/**
 * What one search may still cost. Whoever presents a certificate also chooses what surrounds it, and a few hundred
 * authorities that certify each other have more paths than can ever be tried.
 */
export interface Budget {
  /** Takes `units` of work; false when there is not so much left, and ever after. */
  spend(units: number): boolean;
  readonly exhausted: boolean;
}

/** A unit is a comparison of two names. A path of real authorities takes some 10,000 units. */
const TOTAL_WORK = 1_000_000;
/** At most 250 signatures: 60 ms with P-256, seconds with the slowest RSA keys that OpenSSL takes. */
export const SIGNATURE_WORK = 4_000;
/** At most 2000 attempts to lengthen a path by a certificate. */
export const STEP_WORK = 500;

export function createBudget(total = TOTAL_WORK): Budget {
  let left = total;
  return {
    spend(units) {
      left = units <= left ? left - units : -1;
      return left >= 0;
    },
    get exhausted() {
      return left < 0;
    },
  };
}
