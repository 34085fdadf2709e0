import { describe, expect, it } from 'vitest';
import { RecordedLog } from '../runtime/testing/recorded-log.ts';
import { Store } from './store.ts';

const object = (resourceVersion: string, uid = 'u1') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'edge', name: 'a', uid, resourceVersion },
});

function recording() {
  const log = new RecordedLog();
  const store = new Store(log);
  const changes: string[] = [];
  const stop = store.onChange(({ kind, object: { metadata } }) => {
    changes.push(`${kind} ${metadata.uid}@${metadata.resourceVersion}`);
  });
  return { log, store, changes, stop };
}

describe('a store of objects', () => {
  it('says nothing about an event that comes twice', () => {
    const { store, changes } = recording();
    store.put(object('1'));
    store.put(object('1'));
    expect(changes).toEqual(['added u1@1']);
  });

  it('tells an object that was deleted and made again from one that was changed', () => {
    const { store, changes } = recording();
    store.put(object('1'));
    store.put(object('5', 'u2'));
    store.remove(object('4', 'u1'));
    expect(changes).toEqual(['added u1@1', 'deleted u1@1', 'added u2@5']);
    expect(store.get('edge/a')?.metadata.uid).toBe('u2');
  });

  it('goes on when a handler fails', () => {
    const { store, changes, log } = recording();
    store.onChange(() => {
      throw new Error('oops');
    });
    store.put(object('1'));
    store.put(object('2'));
    expect(changes).toEqual(['added u1@1', 'updated u1@2']);
    expect(log.lines).toContain('error: edge/a: a handler of changes failed: oops');
  });

  it('tells a handler nothing more after it has left', () => {
    const { store, changes, stop } = recording();
    stop();
    store.put(object('1'));
    expect(changes).toEqual([]);
  });
});
