import { type Finding, findingOf, type RuleFacts } from '../topology/rules/rule.ts';
import type { RecordedState } from './plan.ts';

export const authorityKeyLost: RuleFacts = {
  code: 'AUTHORITY_KEY_LOST',
  title: 'The key of an authority is not in the PKI directory, or another is in its place: it can sign nothing.',
  holds: [71],
  severity: 'error',
  releases: 'all',
};

/** The authorities that could not sign, as far as that is seen without a passphrase. A key that is not there may be kept elsewhere. */
export function authorityKeyFindings({ authorities }: RecordedState): Finding[] {
  const found: Finding[] = [];
  for (const [id, { material: value }] of authorities) {
    const at = `authority ${id}`;
    if (value === 'key missing') {
      const message = 'its key is not in the PKI directory, and nothing can be signed with it: no certificate, no list';
      const fix =
        'restore private/cakey.pem from a backup, or put it back where it is kept elsewhere until it is to sign';
      found.push(findingOf(authorityKeyLost, { at, value, message, fix, severity: 'warning' }));
    } else if (value === 'key altered') {
      const message = 'private/cakey.pem is not the key that its certificate was issued for';
      const fix = 'restore private/cakey.pem and cacert.pem from the same backup';
      found.push(findingOf(authorityKeyLost, { at, value, message, fix }));
    }
  }
  return found;
}
