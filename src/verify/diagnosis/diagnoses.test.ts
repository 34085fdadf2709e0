import { describe, expect, it } from 'vitest';
import { rules } from '../../topology/findings.ts';
import { diagnoses } from './diagnoses.ts';
import { evidenceRules } from './examine.ts';

describe('the diagnoses', () => {
  it('are D01 to D36, in order, each with a name of its own', () => {
    const ids = Array.from({ length: 36 }, (_, index) => `D${String(index + 1).padStart(2, '0')}`);
    expect(diagnoses.map(({ id }) => id)).toEqual(ids);
    expect(new Set(diagnoses.map(({ name }) => name)).size).toBe(36);
  });

  it('say by declarations exactly where a rule on declarations has their number', () => {
    const held = new Set(rules.map(({ diagnosis }) => diagnosis));
    for (const { id, evidence } of diagnoses)
      expect([id, evidence.includes('declaration')]).toEqual([id, held.has(id)]);
  });

  it('say by files, a directory or what is presented exactly where a rule on those has their number', () => {
    const held = new Set(
      evidenceRules.filter(({ code }) => !code.startsWith('LOG_')).map(({ diagnosis }) => diagnosis),
    );
    const kinds = ['files', 'state', 'served'] as const;
    for (const { id, evidence } of diagnoses)
      expect([id, kinds.some((kind) => evidence.includes(kind))]).toEqual([id, held.has(id)]);
  });

  it('say by logs exactly where a message is known', () => {
    const held = new Set(evidenceRules.filter(({ code }) => code.startsWith('LOG_')).map(({ diagnosis }) => diagnosis));
    for (const { id, evidence } of diagnoses) expect([id, evidence.includes('log')]).toEqual([id, held.has(id)]);
  });
});
