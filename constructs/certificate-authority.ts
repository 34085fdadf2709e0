import { type ITerraformDependable, TerraformIterator } from 'cdktf';
import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import { type Authority, authoritySchema } from '../src/topology/schema.ts';
import { logicalId } from './delivery.ts';
import { refuseTokens } from './input.ts';
import { type PlannedDemand, StackTopology } from './stack-topology.ts';
import { atSynthesis, commandResource, literal, planned, quoted } from './terraform.ts';

export interface SubjectProps {
  readonly commonName: string;
  readonly organization?: string;
  readonly organizationalUnit?: string;
  readonly locality?: string;
  readonly state?: string;
  /** ISO 3166 code: two capitals. */
  readonly country?: string;
}

export interface CrlProps {
  /**
   * When the list is signed, UTC, `HH:MM`.
   * @default '02:00'
   */
  readonly dailyUpdateUtc?: string;
  /**
   * Days between two updates.
   * @default 1
   */
  readonly everyDays?: number;
  /**
   * Validity of a list, in days; at least three update periods.
   * @default seven update periods
   */
  readonly validDays?: number;
  /**
   * Where the published folder is served, ending in a slash; written into certificates as their distribution point.
   * @default certificates name no distribution point
   */
  readonly baseUrl?: string;
}

export interface CertificateAuthorityProps {
  readonly subject: SubjectProps;
  /**
   * The authority that signs this one.
   * @default a self-signed root
   */
  readonly issuer?: CertificateAuthority;
  /** @default 'rsa-4096' */
  readonly key?: Authority['key'];
  /**
   * Validity of its certificate, in days.
   * @default 3650
   */
  readonly lifetimeDays?: number;
  /** @default signed every day at 02:00 UTC, valid for 7 days */
  readonly crl?: CrlProps;
}

/** An internal authority: a self-signed root, or one that another authority signs. Its files stay when the stack is destroyed. */
export class CertificateAuthority extends Construct {
  /** Its id in the topology, in the PKI directory and as a Kubernetes resource. */
  readonly authorityId: string;
  /** What Terraform creates it with: depend on it to come after. */
  readonly resource: ITerraformDependable;

  constructor(scope: Construct, id: string, props: CertificateAuthorityProps) {
    super(scope, id);
    refuseTokens(this, props);
    this.authorityId = toId(id);
    const { issuer, ...rest } = props;
    const declaration = { ...rest, id: this.authorityId, ...(issuer && { issuer: issuer.authorityId }) };
    const authority = parseInput(authoritySchema, declaration, this.node.path);
    const topology = StackTopology.of(this);
    topology.add('authorities', this, () => declaration);
    this.resource = this.#addResources(topology, authority, issuer);
  }

  #addResources(
    topology: StackTopology,
    authority: Authority,
    issuer: CertificateAuthority | undefined,
  ): ITerraformDependable {
    const { id, subject, key } = authority;
    const own = commandResource(this, 'Authority', {
      logicalId: logicalId(id, 'authority'),
      triggers: { subject: literal(JSON.stringify(subject)), key, issuer: authority.issuer ?? 'self-signed' },
      onCreate: [
        quoted('issue'),
        quoted(`authority/${id}`),
        quoted('topology.json'),
        quoted('--no-bundles'),
        ...planned(topology.digest),
      ],
      dependsOn: issuer ? [issuer.resource] : [],
    });
    const certificates = TerraformIterator.fromMap(atSynthesis(() => certificateMap(topology.plannedDemands(), id)));
    commandResource(this, 'Certificates', {
      logicalId: logicalId(id, 'certificates'),
      forEach: certificates,
      triggers: Object.fromEntries(triggerNames.map((name) => [name, `\${each.value.${name}}`])),
      onCreate: [
        quoted('issue'),
        'each.key',
        quoted('topology.json'),
        quoted('--no-bundles'),
        quoted('--issue'),
        'self.triggers.generation',
        quoted('--reason'),
        'self.triggers.reason',
        ...planned(topology.digest),
      ],
      dependsOn: [own],
    });
    return own;
  }
}

/** As they stand in state files: `generation` is the count of issues. */
const triggerNames = [
  'common_name',
  'names',
  'usages',
  'key',
  'issuer',
  'lifetime_days',
  'generation',
  'reason',
  'on_removal',
] as const;

/** One entry per certificate, readable in a plan: what is in it, which issue of it this is, and why. */
function certificateMap(
  planned: readonly PlannedDemand[],
  authority: string,
): Record<string, Record<(typeof triggerNames)[number], string>> {
  const own = planned.filter(({ demand }) => demand.issuer === authority);
  return Object.fromEntries(
    own.map(({ demand, issue, reason }) => [
      demand.id,
      {
        common_name: literal(demand.subject.commonName),
        names: demand.names.join(' '),
        usages: demand.usages.join(' '),
        key: 'type' in demand.key ? demand.key.type : 'on the appliance',
        issuer: demand.issuer,
        lifetime_days: String(demand.lifetimeDays),
        generation: String(issue),
        reason: literal(reason),
        on_removal: demand.onRemoval,
      },
    ]),
  );
}
