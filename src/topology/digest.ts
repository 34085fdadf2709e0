import { createHash } from 'node:crypto';
import type { Topology } from './schema.ts';

/** Tells one declaration from another, wherever its files are kept: 16 hex digits. */
export function topologyDigest({ storage: _, ...declared }: Topology): string {
  return createHash('sha256').update(JSON.stringify(declared, sortedKeys)).digest('hex').slice(0, 16);
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
