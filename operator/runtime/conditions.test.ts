import { describe, expect, it } from 'vitest';
import { findCondition, setCondition } from './conditions.ts';

const monday = new Date('2026-01-05T08:00:00.250Z');
const tuesday = new Date('2026-01-06T08:00:00Z');
const ready = { type: 'Ready', status: 'True', reason: 'Issued', message: 'serial 1', observedGeneration: 1 } as const;

describe('conditions', () => {
  it('are added with the time, in whole seconds', () => {
    expect(setCondition([], ready, monday)).toEqual([{ ...ready, lastTransitionTime: '2026-01-05T08:00:00Z' }]);
  });

  it('keep their time when only the words or the generation change', () => {
    const before = setCondition([], ready, monday);
    const after = setCondition(before, { ...ready, message: 'serial 2', observedGeneration: 2 }, tuesday);
    expect(after).toEqual([
      { ...ready, message: 'serial 2', observedGeneration: 2, lastTransitionTime: '2026-01-05T08:00:00Z' },
    ]);
  });

  it('take a new time when the status flips, and leave the others as they are', () => {
    const other = { ...ready, type: 'CRLFresh' };
    const before = setCondition(setCondition([], ready, monday), other, monday);
    const after = setCondition(before, { ...ready, status: 'False', reason: 'Expired' }, tuesday);
    expect(findCondition(after, 'Ready')).toMatchObject({
      status: 'False',
      lastTransitionTime: '2026-01-06T08:00:00Z',
    });
    expect(after[1]).toBe(before[1]);
    expect(before[0]?.status).toBe('True');
  });

  it('stay the very same list when nothing is new, so that nothing is written', () => {
    const before = setCondition([], ready, monday);
    expect(setCondition(before, ready, tuesday)).toBe(before);
  });
});
