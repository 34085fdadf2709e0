import { seeded } from '../support/random.ts';
import { type Fault, faults, type Spec } from './world.ts';

const releases = ['X7.2', 'X8.1', 'X8.7', 'X8.11', 'X12.7', 'X14.0', 'X14.3', 'X15.3', 'X15.4', 'X15.5'];
const allFaults = Object.keys(faults).filter((fault): fault is Fault => fault in faults);

/** The specs of a seed: every fault in turn on either side, with everything around it drawn. */
export function* specs(seed: number, count: number): Generator<Spec> {
  const below = seeded(seed);
  const pick = <T>(list: readonly T[]): T => {
    const item = list[below(list.length)];
    if (item === undefined) throw new Error('an empty list');
    return item;
  };
  for (let index = 0; index < count; index++) {
    const fault = allFaults[index % allFaults.length] ?? 'none';
    const corePeers = pick([1, 1, 2] as const);
    const edgePeers = pick([1, 1, 2] as const);
    yield {
      zone: pick(['traversal', 'traversal', 'neighbor']),
      unifiedCommunications: below(2) === 0,
      release: pick(releases),
      corePeers,
      edgePeers,
      clusterNames: corePeers + edgePeers > 2 || below(2) === 0,
      enforce: below(4) === 0,
      coreDepth: pick([0, 1, 1, 2]),
      edgeDepth: pick([0, 1, 1, 2]),
      sharedRoot: below(2) === 0,
      revocationChecking: /list|revoked/.test(fault) || below(2) === 0,
      fault,
      side: pick(['core', 'edge']),
    };
  }
}

/** Specs that are a step simpler, the greatest step first: what remains of a disagreement is what it takes. */
export function* simpler(spec: Spec): Generator<Spec> {
  const steps: Partial<Spec>[] = [
    { fault: 'none' },
    { corePeers: 1 },
    { edgePeers: 1 },
    { enforce: false },
    { revocationChecking: false },
    { coreDepth: 0 },
    ...(spec.coreDepth === 2 ? [{ coreDepth: 1 as const }] : []),
    { edgeDepth: 0 },
    ...(spec.edgeDepth === 2 ? [{ edgeDepth: 1 as const }] : []),
    { sharedRoot: true },
    { zone: 'traversal' },
    { unifiedCommunications: false },
    { clusterNames: false },
    { release: 'X8.1' },
  ];
  for (const step of steps) {
    const next = { ...spec, ...step };
    if (JSON.stringify(next) !== JSON.stringify(spec)) yield next;
  }
}
