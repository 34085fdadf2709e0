import { describe, expect, it } from 'vitest';
import type { Extension } from '../../x509/extensions.ts';
import {
  certificatePolicies,
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from '../../x509/testing/extensions.ts';
import { createBudget } from './budget.ts';
import { checkPolicies, type PolicyOptions } from './policies.ts';
import { paperAuthority } from './testing/paper-pki.ts';

const any = '2.5.29.32.0';
const [gold, silver, copper, theirGold, theirSilver] = ['1.2.1', '1.2.2', '1.2.3', '1.3.1', '1.3.2'] as const;

/** The outcome for a path with these extensions, from below the anchor to the target; "self" in front makes one self-issued. */
function outcome(path: readonly (readonly (Extension | 'self')[])[], options: PolicyOptions = {}) {
  const certificates = path.map((content, index) => {
    const extensions = content.filter((extension) => extension !== 'self');
    const subject = `C${index}`;
    return paperAuthority({ subject, issuer: content.includes('self') ? subject : 'Issuer', extensions });
  });
  const result = checkPolicies(certificates, options, createBudget());
  return 'policies' in result ? [...result.policies].sort() : `fails at ${certificates.indexOf(result.failedAt)}`;
}

const explicit = { explicitPolicy: true };

describe('RFC 5280 6.1.3 (d): a policy is valid when every certificate asserts it', () => {
  it('one policy throughout', () => {
    expect(outcome([[certificatePolicies(gold)], [certificatePolicies(gold)]], explicit)).toEqual([gold]);
  });

  it('what is not in all of them is lost', () => {
    const path = [[certificatePolicies(gold, silver)], [certificatePolicies(silver, copper)]];
    expect(outcome(path, explicit)).toEqual([silver]);
  });

  it('without a common policy the path fails where the last one is lost, but only if a policy is demanded', () => {
    const path = [[certificatePolicies(gold)], [certificatePolicies(silver)], [certificatePolicies(silver)]];
    expect(outcome(path, explicit)).toBe('fails at 1');
    expect(outcome(path)).toEqual([]);
  });

  it('(e): a certificate without policies has none to hand on', () => {
    expect(outcome([[certificatePolicies(gold)], []], explicit)).toBe('fails at 1');
    expect(outcome([[], [certificatePolicies(gold)]], explicit)).toBe('fails at 0');
  });

  it('anyPolicy stands for whatever the issuer asserted', () => {
    const path = [[certificatePolicies(gold, silver)], [certificatePolicies(any)]];
    expect(outcome(path, explicit)).toEqual([gold, silver]);
  });

  it('anyPolicy of the issuer allows any policy below it', () => {
    expect(outcome([[certificatePolicies(any)], [certificatePolicies(gold)]], explicit)).toEqual([gold]);
    expect(outcome([[certificatePolicies(any)], [certificatePolicies(any)]], explicit)).toEqual([any]);
  });

  it('a policy that is expected does not come from anyPolicy as well', () => {
    const mapping = policyMappings([gold, theirGold]);
    const path = [[certificatePolicies(any, gold), mapping], [certificatePolicies(theirGold)]];
    expect(outcome(path, explicit)).toEqual([gold]);
  });
});

describe('RFC 5280 6.1.1 (c): the initial policy set', () => {
  const path = [[certificatePolicies(gold, silver)], [certificatePolicies(gold, silver)]];

  it('leaves what was asked for', () => {
    expect(outcome(path, { ...explicit, initialPolicies: [silver, copper] })).toEqual([silver]);
  });

  it('fails a path with none of it, at the target', () => {
    expect(outcome(path, { ...explicit, initialPolicies: [copper] })).toBe('fails at 1');
    expect(outcome(path, { initialPolicies: [copper] })).toEqual([]);
  });

  it('is wholly granted by a path of anyPolicy (RFC 9618 5.3)', () => {
    const anyPath = [[certificatePolicies(any)], [certificatePolicies(any)]];
    expect(outcome(anyPath, { ...explicit, initialPolicies: [gold, copper] })).toEqual([gold, copper]);
  });
});

describe('RFC 5280 6.1.4 (a), (b): policy mappings', () => {
  it('the policy of the issuer continues as that of the subject', () => {
    const path = [[certificatePolicies(gold), policyMappings([gold, theirGold])], [certificatePolicies(theirGold)]];
    expect(outcome(path, explicit)).toEqual([gold]);
    expect(outcome(path, { ...explicit, initialPolicies: [theirGold] })).toBe('fails at 1');
  });

  it('and no longer as itself', () => {
    const path = [[certificatePolicies(gold), policyMappings([gold, theirGold])], [certificatePolicies(gold)]];
    expect(outcome(path, explicit)).toBe('fails at 1');
  });

  it('one to several, and several to one', () => {
    const toSeveral = policyMappings([gold, theirGold], [gold, theirSilver]);
    expect(outcome([[certificatePolicies(gold), toSeveral], [certificatePolicies(theirSilver)]], explicit)).toEqual([
      gold,
    ]);
    const toOne = policyMappings([gold, theirGold], [silver, theirGold]);
    const path = [[certificatePolicies(gold, silver), toOne], [certificatePolicies(theirGold)]];
    expect(outcome(path, explicit)).toEqual([gold, silver]);
    expect(outcome(path, { ...explicit, initialPolicies: [silver] })).toEqual([silver]);
  });

  it('of a policy that only anyPolicy covers', () => {
    const path = [[certificatePolicies(any), policyMappings([gold, theirGold])], [certificatePolicies(theirGold)]];
    expect(outcome(path, { ...explicit, initialPolicies: [gold] })).toEqual([gold]);
  });

  it('of a policy that the certificate does not assert means nothing', () => {
    const path = [[certificatePolicies(silver), policyMappings([gold, theirGold])], [certificatePolicies(theirGold)]];
    expect(outcome(path, explicit)).toBe('fails at 1');
  });

  it.each([[[any, gold] as const], [[gold, any] as const]])(
    'from or to anyPolicy is refused whatever is asked for',
    (mapping) => {
      expect(outcome([[policyMappings(mapping)], []])).toBe('fails at 0');
    },
  );

  it('of the target itself mean nothing', () => {
    expect(outcome([[certificatePolicies(gold)], [certificatePolicies(gold), policyMappings([any, gold])]])).toEqual([
      gold,
    ]);
  });

  it('inhibited from the start, mapped policies are dropped (6.1.1 e)', () => {
    const path = [
      [certificatePolicies(gold, silver), policyMappings([gold, theirGold])],
      [certificatePolicies(silver, theirGold, gold)],
    ];
    expect(outcome(path, { ...explicit, inhibitPolicyMapping: true })).toEqual([silver]);
  });

  it('inhibited by a certificate above, after as many certificates as it says', () => {
    const mapped = [certificatePolicies(gold), policyMappings([gold, gold])];
    const path = (mapping: number): (Extension | 'self')[][] => [
      [certificatePolicies(gold), policyConstraints({ mapping })],
      mapped,
      [certificatePolicies(gold)],
    ];
    expect(outcome(path(0), explicit)).toBe('fails at 2');
    expect(outcome(path(1), explicit)).toEqual([gold]);
    const between = (...content: (Extension | 'self')[]) => path(1).toSpliced(1, 0, content);
    expect(outcome(between(certificatePolicies(gold)), explicit)).toBe('fails at 3');
    expect(outcome(between('self', certificatePolicies(gold)), explicit)).toEqual([gold]);
  });
});

describe('RFC 5280 6.1.4 (h), (i) and 6.1.5 (a), (b): when a policy is demanded', () => {
  const none: Extension[] = [];

  it.each([
    [0, 'fails at 1'],
    [1, 'fails at 2'],
    [2, 'fails at 3'],
    // The target is counted too: 6.1.5 (a).
    [3, 'fails at 3'],
    [4, []],
  ])('requireExplicitPolicy %i in the first of four', (count, expected) => {
    expect(outcome([[policyConstraints({ explicit: count })], none, none, none])).toEqual(expected);
  });

  it('self-issued certificates are not counted, but for the target', () => {
    expect(outcome([[policyConstraints({ explicit: 3 })], ['self'], none, none])).toEqual([]);
    expect(outcome([[policyConstraints({ explicit: 1 })], ['self'], none])).toBe('fails at 2');
    expect(outcome([[policyConstraints({ explicit: 1 })], ['self']])).toBe('fails at 1');
  });

  it('a later constraint can only make it stricter', () => {
    const path = [[policyConstraints({ explicit: 0 })], [policyConstraints({ explicit: 9 })], none];
    expect(outcome(path)).toBe('fails at 1');
  });

  it('the target can demand one of itself, and only with 0', () => {
    expect(outcome([none, [policyConstraints({ explicit: 0 })]])).toBe('fails at 1');
    expect(outcome([none, [policyConstraints({ explicit: 1 })]])).toEqual([]);
  });
});

describe('RFC 5280 6.1.4 (j): inhibit anyPolicy', () => {
  const ofAny = [certificatePolicies(any)];

  it.each([
    [0, 'fails at 1'],
    [1, 'fails at 2'],
    [2, [gold]],
  ])('after %i certificates', (count, expected) => {
    const path = [[certificatePolicies(gold), inhibitAnyPolicy(count)], ofAny, ofAny];
    expect(outcome(path, explicit)).toEqual(expected);
  });

  it('from the start (6.1.1 g)', () => {
    expect(outcome([ofAny, ofAny], { ...explicit, inhibitAnyPolicy: true })).toBe('fails at 0');
  });

  it('not in self-issued certificates, unless it is the target', () => {
    const inhibited = [certificatePolicies(gold), inhibitAnyPolicy(0)];
    expect(outcome([inhibited, ['self', ...ofAny], [certificatePolicies(gold)]], explicit)).toEqual([gold]);
    expect(outcome([inhibited, ['self', ...ofAny]], explicit)).toBe('fails at 1');
  });

  it('a later one can only make it stricter', () => {
    const path = [
      [certificatePolicies(gold), inhibitAnyPolicy(0)],
      [certificatePolicies(gold), inhibitAnyPolicy(5)],
      ofAny,
    ];
    expect(outcome(path, explicit)).toBe('fails at 2');
  });
});

describe('RFC 9618: the graph grows with its input alone', () => {
  it('20 certificates that map 20 policies to all of each other', () => {
    const all = Array.from({ length: 20 }, (_, index) => `1.2.${index}`);
    const mesh = policyMappings(...all.flatMap((from) => all.map((to): [string, string] => [from, to])));
    const path = Array.from({ length: 20 }, () => [certificatePolicies(...all), mesh]);
    expect(outcome(path, explicit)).toHaveLength(20);
  });

  it('gives up when the budget is used up', () => {
    const certificate = paperAuthority({ subject: 'C', extensions: [certificatePolicies(gold, silver)] });
    const budget = createBudget(1);
    expect(checkPolicies([certificate], {}, budget)).toEqual({ failedAt: certificate });
    expect(budget.exhausted).toBe(true);
  });
});
