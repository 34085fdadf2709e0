import { expect, it } from 'vitest';
import { encodeName, readName } from '../../x509/name.ts';
import { sameHolder } from './same-holder.ts';

const named = (commonName: string | undefined, ...labels: string[]) => {
  const der = encodeName(commonName === undefined ? {} : { commonName: `${commonName}.example.com` });
  return {
    subject: readName(der, 'name'),
    dnsNames: labels.map((one) => `${one}.example.com`),
  };
};

it.each([
  ['one with more names', named('vcs1', 'vcs1'), named('VCS1', 'vcs1', 'chat'), 'yes'],
  ['one with other names under the name of a host', named('vcs1', 'vcs1', 'chat'), named('vcs1', 'vcs1', 'vcs'), 'yes'],
  ['numbered hosts under one name (X14.0)', named('vcs', 'vcs1', 'vcs'), named('vcs', 'vcs2', 'vcs'), 'no'],
  ['the same with an alias more', named('vcs', 'vcs1', 'vcs'), named('vcs', 'vcs2', 'vcs', 'chat'), 'no'],
  ['lettered hosts under one name', named('vcs', 'vcs-a', 'vcs'), named('vcs', 'vcs-b'), 'no'],
  ['hosts without numbers under one name', named('vcs', 'alpha', 'vcs'), named('vcs', 'bravo', 'vcs'), 'perhaps'],
  ['numbered names under a numbered name', named('vcs1', 'vcs1', 'chat-1'), named('vcs1', 'vcs1', 'chat-2'), 'perhaps'],
  [
    'a name that became that of the cluster (X14.0)',
    named('vcs1', 'vcs1', 'vcs'),
    named('vcs', 'vcs1', 'vcs'),
    'perhaps',
  ],
  ['a name that was left out', named('vcs1', 'vcs1'), named(undefined, 'vcs1'), 'perhaps'],
  ['two peers', named('vcs1', 'vcs1', 'vcs'), named('vcs2', 'vcs2', 'vcs'), 'no'],
  ['none with a name', named(undefined, 'vcs1'), named(undefined, 'vcs1'), 'no'],
] as const)('%s', (_, one, other, expected) => {
  expect(sameHolder(one, other)).toBe(expected);
  expect(sameHolder(other, one)).toBe(expected);
});
