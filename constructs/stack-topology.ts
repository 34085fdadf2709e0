import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { provider } from '@cdktf/provider-null';
import { TerraformStack } from 'cdktf';
import { Construct, type IConstruct } from 'constructs';
import {
  checkLockTopology,
  LOCK_FILE,
  type LockFile,
  nextAttempt,
  parseLockFile,
  stateFromLock,
} from '../src/authority/lock-file.ts';
import { planCertificate } from '../src/authority/plan.ts';
import { VcsPkiError } from '../src/errors.ts';
import { type Demand, ownDemands } from '../src/topology/demands.ts';
import { topologyDigest } from '../src/topology/digest.ts';
import { findings } from '../src/topology/findings.ts';
import { toId } from '../src/topology/names.ts';
import type { Topology, TopologyInput } from '../src/topology/schema.ts';
import { parseTopology } from '../src/topology/topology.ts';
import { Delivery, RevokeOnDestroy } from './delivery.ts';
import { writeStackFiles } from './stack-files.ts';
import { atSynthesis } from './terraform.ts';

const BRAND = Symbol.for('vcs-pki/StackTopology');
const CHILD_ID = 'VcsPki';

/** What constructs declare: the lists of a topology. */
const kinds = [
  'authorities',
  'externalAuthorities',
  'clusters',
  'domains',
  'zones',
  'trustLists',
  'systems',
  'clients',
  'suppressions',
] as const;
type Kind = (typeof kinds)[number];
type Part<K extends Kind> = NonNullable<TopologyInput[K]>[number];

interface Declared<T> {
  readonly construct: IConstruct;
  /** Read at synthesis: peers and names may be added until then. */
  readonly declaration: () => T;
}
type DeclaredParts = { readonly [K in Kind]: Declared<Part<K>>[] };

interface StorageSettings {
  readonly directory?: string | undefined;
  readonly lockFile?: string | undefined;
  readonly now?: Date | undefined;
  readonly revokeOnDestroy?: boolean | undefined;
}

/** A demand with what the lock file says of it: whether Terraform has to issue, and why. */
export interface PlannedDemand {
  readonly demand: Demand;
  readonly issue: number;
  readonly reason: string;
}

/**
 * Collects what the constructs of a stack declare into one topology. Users do not meet it: the first construct of a
 * stack makes it. At synthesis it writes topology.json and the manifests beside cdk.tf.json.
 */
export class StackTopology extends Construct {
  /** The one of the stack that `scope` is in. */
  static of(scope: IConstruct): StackTopology {
    const stack = TerraformStack.of(scope);
    const present = stack.node.tryFindChild(CHILD_ID);
    return isStackTopology(present) ? present : new StackTopology(stack);
  }

  readonly #stack: TerraformStack;
  readonly #declared: DeclaredParts = {
    authorities: [],
    externalAuthorities: [],
    clusters: [],
    domains: [],
    zones: [],
    trustLists: [],
    systems: [],
    clients: [],
    suppressions: [],
  };
  #storage: StorageSettings | undefined;
  readonly #delivery: Delivery;
  /** While a synthesis runs nothing more is declared: what follows from the declaration is then worked out once. */
  #derived: { topology?: Topology; planned?: readonly PlannedDemand[] } | undefined;

  private constructor(stack: TerraformStack) {
    super(stack, CHILD_ID);
    Object.defineProperty(this, BRAND, { value: true });
    this.#stack = stack;
    this.#delivery = new Delivery(this, this);
    this.node.addValidation({ validate: () => this.#validate() });
    const { synthesizer } = stack;
    stack.synthesizer = {
      synthesize: (session) => {
        if (!stack.allProviders().some((candidate) => candidate.terraformResourceType === 'null'))
          new provider.NullProvider(this, 'Null');
        this.#derived = {};
        try {
          synthesizer.synthesize(session);
          const folder = join(session.outdir, session.manifest.forStack(stack).workingDirectory);
          const topology = { ...this.topology, storage: this.#storageFrom(folder) };
          const demanded = this.plannedDemands().map(({ demand }) => demand);
          writeStackFiles(folder, topology, demanded);
        } finally {
          this.#derived = undefined;
        }
      },
    };
  }

  /** Adds to one of the lists of the topology. */
  add<K extends Kind>(kind: K, construct: IConstruct, declaration: () => Part<K>): void {
    const list: Declared<Part<K>>[] = this.#declared[kind];
    list.push({ construct, declaration });
  }

  /** Throws INPUT_INVALID when the stack has one already. */
  setStorage(construct: IConstruct, storage: StorageSettings): void {
    if (this.#storage) {
      throw new VcsPkiError('INPUT_INVALID', {
        at: construct.node.path,
        message: `must be the only PkiStorage of stack ${this.#stack.node.id}`,
        fix: 'remove one of the two',
      });
    }
    this.#storage = storage;
    if (storage.revokeOnDestroy) new RevokeOnDestroy(this, this, this.#delivery);
  }

  /** Its id among topologies: that of the stack. */
  get name(): string {
    return toId(this.#stack.node.id);
  }

  /** The PKI directory, absolute. */
  get directory(): string {
    return resolve(this.#storage?.directory ?? 'pki');
  }

  get lockFile(): string {
    return resolve(this.#storage?.lockFile ?? LOCK_FILE);
  }

  /** What has been declared so far. Throws INPUT_INVALID for contradictions. */
  get topology(): Topology {
    const topology = this.#derived?.topology ?? this.#parse();
    if (this.#derived) this.#derived.topology = topology;
    return topology;
  }

  readonly digest = atSynthesis(() => topologyDigest(this.topology));

  #parse(): Topology {
    const lists = kinds.map((kind) => [kind, this.#declared[kind].map(({ declaration }) => declaration())] as const);
    return parseTopology({ name: this.name, ...Object.fromEntries(lists) }, this.#stack.node.id);
  }

  /** The moment that renewals are planned for. */
  get now(): Date {
    const fixed = process.env.VCS_PKI_NOW;
    const now = this.#storage?.now ?? (fixed ? new Date(fixed) : new Date());
    if (!Number.isNaN(now.getTime())) return now;
    throw new VcsPkiError('INPUT_INVALID', {
      at: this.#storage?.now ? `${this.#stack.node.path}: now of PkiStorage` : 'VCS_PKI_NOW',
      message: 'is no moment',
      fix: 'write it like 2027-03-02T00:00:00Z',
      ...(!this.#storage?.now && fixed && { value: fixed }),
    });
  }

  /** See DeclaredStack. */
  get attempt(): number {
    return nextAttempt(this.#readLock());
  }

  /** Every demand with the count of its issues and the reason that the lock file and `now` give it. */
  plannedDemands(): readonly PlannedDemand[] {
    const planned = this.#derived?.planned ?? this.#plan();
    if (this.#derived) this.#derived.planned = planned;
    return planned;
  }

  #plan(): PlannedDemand[] {
    const { topology, now } = this;
    const state = stateFromLock(this.#readLock());
    return ownDemands(topology).map((demand) => {
      const record = state.certificates.get(demand.id);
      const issuerNotAfter = state.authorities.get(demand.issuer)?.record.notAfter;
      const decision = planCertificate(demand, record, issuerNotAfter, undefined, now);
      if (decision.kind === 'issue' || !record) {
        return {
          demand,
          issue: decision.kind === 'issue' ? decision.issue : 1,
          reason: decision.kind === 'issue' ? decision.reason : '',
        };
      }
      // What may wait for the next renewal is not to replace the resource before: that would revoke what it made.
      const { issue, reason, specification } = record.issuance;
      return { demand: { ...demand, subject: specification.subject }, issue, reason };
    });
  }

  #readLock(): LockFile | undefined {
    const path = this.lockFile;
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw new VcsPkiError('INPUT_UNREADABLE', {
        at: path,
        message: 'cannot be read',
        fix: 'check its access rights',
        cause: error,
      });
    }
    const lock = parseLockFile(text, path);
    checkLockTopology(lock, this.name, path);
    return lock;
  }

  /** Paths relative to the stack's folder, so that they are the same on every machine. */
  #storageFrom(folder: string): Topology['storage'] {
    const from = (declared: string | undefined, path: string) =>
      declared !== undefined && isAbsolute(declared) ? declared : relative(folder, path);
    return {
      directory: from(this.#storage?.directory, this.directory),
      lockFile: from(this.#storage?.lockFile, this.lockFile),
    };
  }

  #validate(): string[] {
    try {
      const { topology } = this;
      this.#refuseSharing();
      this.plannedDemands();
      const errors = findings(topology, this.now).filter(
        ({ severity, suppressed }) => severity === 'error' && suppressed === undefined,
      );
      return errors.map(
        ({ at, code, message, value, fix }) => `${this.#place(at)}: ${message} (${code}, ${value}); fix: ${fix}`,
      );
    } catch (error) {
      if (error instanceof VcsPkiError) return [`${error.message}; fix: ${error.fix}`];
      throw error;
    }
  }

  /** Stacks share a PKI directory, but each has a lock file and, in that directory, a name of its own: else one revokes what the other issued. */
  #refuseSharing(): void {
    const at = this.#stack.node.path;
    for (const other of this.node.root.node.findAll()) {
      if (other === this || !isStackTopology(other)) continue;
      if (other.lockFile === this.lockFile) {
        throw new VcsPkiError('LOCK_MISMATCH', {
          at,
          value: this.lockFile,
          message: `has the same lock file as stack ${other.name}`,
          fix: `give it its own: new PkiStorage(stack, 'Storage', { lockFile: '${this.name}.lock.json' })`,
        });
      }
      if (other.directory === this.directory && other.name === this.name) {
        throw new VcsPkiError('OWNER_TAKEN', {
          at,
          value: this.name,
          message: `is known as ${this.name} in the same PKI directory as another stack`,
          fix: 'rename one of the two stacks, or give it a PKI directory of its own by PkiStorage',
        });
      }
    }
  }

  /** The construct that a finding is about, by its path: `cluster core` and `core/expc1/server` are `Core`. */
  #place(at: string): string {
    const [, kind = 'cluster', id] = /^(?:(cluster|zone|trust list|authority|system) )?([^/]*)/.exec(at) ?? [];
    const { clusters, zones, trustLists, authorities, systems } = this.#declared;
    const declared = {
      cluster: clusters,
      zone: zones,
      'trust list': trustLists,
      authority: authorities,
      system: systems,
    }[kind];
    const found = declared?.find(({ construct }) => toId(construct.node.id) === id);
    return found ? `${found.construct.node.path} (${at})` : at;
  }
}

function isStackTopology(construct: IConstruct | undefined): construct is StackTopology {
  return construct !== undefined && BRAND in construct;
}
