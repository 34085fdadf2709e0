/** The engine of vcs-pki: from a declared topology to demands, links, findings, plans and proofs. No cdktf, no Kubernetes. */

export { type Done, perform } from './authority/perform.ts';
export { type Action, type Plan, plan, type RecordedState } from './authority/plan.ts';
export type { Clock, Ledger, Material, Random, Signer } from './authority/ports.ts';
export { type ErrorCode, errorCodes, VcsPkiError } from './errors.ts';
export { Secret } from './secret.ts';
export { diskFileSystem } from './store/file-system.ts';
export { PkiDirectory } from './store/pki-directory.ts';
export { type Demand, demands } from './topology/demands.ts';
export { findings } from './topology/findings.ts';
export type { Link } from './topology/links/link.ts';
export { links } from './topology/links/links.ts';
export type { Finding } from './topology/rules/rule.ts';
export { type Topology, type TopologyInput, topologySchema } from './topology/schema.ts';
export { parseTopology } from './topology/topology.ts';
export { type Evidence, type LinkVerdict, prove } from './verify/prove.ts';
