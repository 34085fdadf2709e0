import { createHash } from 'node:crypto';
import type { resource } from '@cdktf/provider-null';
import { type IResolvable, Token } from 'cdktf';
import { Construct } from 'constructs';
import type { Topology } from '../src/topology/schema.ts';
import type { PlannedDemand } from './stack-topology.ts';
import { atSynthesis, commandResource, planned, quoted } from './terraform.ts';

const DAY = 24 * 3600 * 1000;

/** What is declared in a stack, known in full at synthesis. */
export interface DeclaredStack {
  readonly topology: Topology;
  readonly now: Date;
  /** Of the topology, at synthesis. */
  readonly digest: IResolvable;
  /** Which attempt at this last step is planned: another one, where the last did not come to its end. */
  readonly attempt: number;
  plannedDemands(): readonly PlannedDemand[];
}

/**
 * The last step of an apply, after everything new exists: issues what is due still, revokes what is no longer declared,
 * signs the lists that are due, writes lock file and bundles.
 */
export class Delivery extends Construct {
  readonly resource: resource.Resource;

  constructor(scope: Construct, topology: DeclaredStack) {
    super(scope, 'Delivery');
    const attempt = [quoted('--attempt'), `"${Token.asString(atSynthesis(() => `${topology.attempt}`))}"`];
    this.resource = commandResource(this, 'Resource', {
      logicalId: 'delivery',
      triggers: {
        certificates: Token.asString(atSynthesis(() => certificatesDigest(topology))),
        lists_refreshed_from: Token.asString(atSynthesis(() => refreshWindow(topology))),
      },
      onCreate: [quoted('apply'), quoted('topology.json'), ...attempt, ...planned(topology.digest)],
      dependsOn: [],
    });
    this.resource.addOverride(
      'depends_on',
      atSynthesis(() => resourceNames(topology)),
    );
  }
}

/**
 * What `terraform destroy` revokes: all that is declared, but what its declaration keeps. Nothing else revokes when it is
 * destroyed. Its triggers never change, so that it is there from the apply that made it to the destroy.
 */
export class RevokeOnDestroy extends Construct {
  constructor(scope: Construct, topology: DeclaredStack, delivery: Delivery) {
    super(scope, 'RevokeOnDestroy');
    commandResource(this, 'Resource', {
      logicalId: 'revoke_on_destroy',
      triggers: { workspace: `\${terraform.workspace}` },
      onCreate: [],
      onDestroy: [
        quoted('revoke'),
        quoted('--all'),
        quoted('topology.json'),
        ...planned(topology.digest, 'self.triggers.workspace'),
      ],
      dependsOn: [delivery.resource],
    });
  }
}

/** Where things are stored is not in it: the topology learns that only when it is written (I9). */
function certificatesDigest(topology: DeclaredStack): string {
  const again = topology.attempt > 0 ? [topology.attempt] : [];
  // In the words of the first version: with others, every stack would deliver again after an update.
  const wanted = topology.plannedDemands().map(({ demand, issue, reason }) => ({ demand, generation: issue, reason }));
  const content = JSON.stringify([topology.topology, wanted, ...again]);
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/**
 * Half the shortest validity of a list: within it, lists signed by the last apply are fresh enough. So a stack that
 * is applied now and then refreshes its lists in time, and one whose lists are signed daily shows no daily change.
 */
function refreshWindow(topology: DeclaredStack): string {
  const shortest = topology.topology.authorities.reduce((least, { crl }) => Math.min(least, crl.validDays), 366);
  const window = (shortest * DAY) / 2;
  return new Date(Math.floor(topology.now.getTime() / window) * window).toISOString().slice(0, 10);
}

function resourceNames(topology: DeclaredStack): string[] {
  return topology.topology.authorities.flatMap(({ id }) => [
    `null_resource.${logicalId(id, 'authority')}`,
    `null_resource.${logicalId(id, 'certificates')}`,
  ]);
}

/** The Terraform name of what belongs to an authority: `issuing_ca_certificates`. A name can't begin with a digit there. */
export function logicalId(authority: string, what: 'authority' | 'certificates'): string {
  return `${authority.replace(/^(?=\d)/, '_').replaceAll('-', '_')}_${what}`;
}
