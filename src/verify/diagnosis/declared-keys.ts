import { VcsPkiError } from '../../errors.ts';
import { demands } from '../../topology/demands.ts';
import { type Finding, findingOf } from '../../topology/rules/rule.ts';
import type { Topology } from '../../topology/schema.ts';
import { readContents } from '../../x509/contents.ts';
import { collect } from './collection.ts';
import type { FileArtefact } from './found.ts';
import { keyBits, keyWeak } from './rules/key-size.ts';

/** What the rules on keys say of requests and certificates that a topology declares, as they would of the same in files. */
export async function declaredKeyFindings(topology: Topology, now: Date): Promise<Finding[]> {
  const artefacts: FileArtefact[] = [];
  for (const { path, pem } of declaredPem(topology)) {
    const contents = await readContents(Buffer.from(pem), path).catch(whatCannotBeRead);
    if (contents) artefacts.push({ kind: 'file', path, contents });
  }
  const collection = collect({ artefacts, now });
  return [keyBits, keyWeak].flatMap((rule) => [...rule.check(collection)].map((found) => findingOf(rule, found)));
}

function declaredPem(topology: Topology): { readonly path: string; readonly pem: string }[] {
  const requests = demands(topology).flatMap(({ id, key }) =>
    'request' in key ? { path: `request of ${id}`, pem: key.request } : [],
  );
  const holders = [
    ...topology.externalAuthorities.map((external) => ({ kind: 'external authority', ...external })),
    ...topology.trustLists.map((list) => ({ ...list, kind: 'trust list' })),
    ...topology.systems.map((system) => ({ ...system, kind: 'system' })),
  ];
  return [
    ...requests,
    ...holders.flatMap(({ kind, id, certificates }) => certificates.map((pem) => ({ path: `${kind} ${id}`, pem }))),
  ];
}

/** Whoever uses it says so, in words of its own. */
function whatCannotBeRead(error: unknown): undefined {
  if (!(error instanceof VcsPkiError)) throw error;
}
