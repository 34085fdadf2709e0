import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedDocuments } from '../../docs/generated.ts';
import { heldBy, requirementsIn } from '../../docs/held-by.ts';
import { certificateAbandoned } from '../../src/authority/abandoned.ts';
import { authorityKeyLost } from '../../src/authority/authority-key.ts';
import { restartPending, uploadPending } from '../../src/authority/confirmation.ts';
import { errorCodes } from '../../src/errors.ts';
import { rules } from '../../src/topology/findings.ts';
import { requirements } from '../../src/topology/requirements.ts';
import { evidenceCodes } from '../../src/topology/rules/evidence-codes.ts';
import { diagnoses } from '../../src/verify/diagnosis/diagnoses.ts';
import { evidenceRules } from '../../src/verify/diagnosis/examine.ts';

const root = join(import.meta.dirname, '../..');

describe('documents made from the sources are current (npm run generate)', async () => {
  it.each([...(await generatedDocuments())])('%s', (path, content) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(content);
  });
});

it('every error code of the table is used in the sources, and no other', () => {
  const sources = ['src', 'constructs', 'operator'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'errors.ts')
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  const text = sources.join('\n');
  const unused = Object.keys(errorCodes).filter((code) => !text.includes(`'${code}'`));
  expect(unused).toEqual([]);
});

it('declarations accept what is said of evidence by its code, and every such code is of a rule', () => {
  const known = [...evidenceRules, restartPending, uploadPending, certificateAbandoned, authorityKeyLost].map(
    ({ code }) => code,
  );
  expect(known.toSorted()).toEqual(evidenceCodes.toSorted());
});

describe('README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  it('has the two commands on its first screen', () => {
    const screen = readme.split('\n').slice(0, 40).join('\n');
    expect(screen).toContain('npm ci && npm start');
    expect(screen).toContain('npm ci && npm test');
  });
});

describe('docs/requirements.md', () => {
  const held = heldBy(root);

  it.each([
    ['requirement 15: no wildcard certificates', [15]],
    ['requirements 26a, 27b and 54-58: names', [26, 27, 54, 55, 56, 57, 58]],
    ['accepts requirement 1', [1]],
    ['nothing', []],
  ])('reads %j', (title, numbers) => expect(requirementsIn(title)).toEqual(numbers));

  it('has 90 requirements, and a test for each that is no fact', () => {
    expect(requirements).toHaveLength(90);
    const untested = requirements.flatMap(({ class: kind }, index) =>
      kind === 'fact' || held.requirements.has(index + 1) ? [] : [index + 1],
    );
    expect(untested).toEqual([]);
  });

  it('has a rule for each requirement of class rule, or a test that says what else refuses', () => {
    const ruled = new Set([...rules, ...evidenceRules].flatMap(({ holds }) => holds));
    const without = requirements.flatMap(({ class: kind }, index) =>
      kind === 'rule' && !ruled.has(index + 1) && !held.requirements.has(index + 1) ? [index + 1] : [],
    );
    expect(without).toEqual([]);
  });

  it('has 36 diagnoses, and a test for each', () => {
    expect(diagnoses.map(({ id }) => id)).toEqual(
      Array.from({ length: 36 }, (_, index) => `D${String(index + 1).padStart(2, '0')}`),
    );
    expect(diagnoses.filter(({ id }) => !held.diagnoses.has(id)).map(({ id }) => id)).toEqual([]);
  });

  it('gives every rule a code of its own', () => {
    const codes = [...rules, ...evidenceRules].map(({ code }) => code);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  });
});
