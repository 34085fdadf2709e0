import { createHash } from 'node:crypto';
import { Token } from 'cdktf';
import { Construct } from 'constructs';
import type { Topology } from '../src/topology/schema.ts';
import { atSynthesis, commandResource, quoted } from './terraform.ts';

const DAY = 24 * 3600 * 1000;

/** What is declared in a stack, known in full at synthesis. */
export interface DeclaredStack {
  readonly topology: Topology;
  readonly now: Date;
  plannedDemands(): unknown;
}

/** The last step of an apply: revokes what is no longer declared, signs the lists that are due, writes lock file and bundles. */
export class Delivery extends Construct {
  constructor(scope: Construct, topology: DeclaredStack) {
    super(scope, 'Delivery');
    const created = commandResource(this, 'Resource', {
      logicalId: 'delivery',
      triggers: {
        certificates: Token.asString(atSynthesis(() => certificatesDigest(topology))),
        lists_refreshed_from: Token.asString(atSynthesis(() => refreshWindow(topology))),
      },
      onCreate: [quoted('apply'), quoted('topology.json'), quoted('--no-issue')],
      dependsOn: [],
    });
    created.addOverride(
      'depends_on',
      atSynthesis(() => resourceNames(topology)),
    );
  }
}

/** Where things are stored is not in it: the topology learns that only when it is written (I9). */
function certificatesDigest(topology: DeclaredStack): string {
  const content = JSON.stringify([topology.topology, topology.plannedDemands()]);
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
