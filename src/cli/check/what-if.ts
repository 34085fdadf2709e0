import { compare } from '../../authority/plan.ts';
import { specificationOf } from '../../authority/record.ts';
import { VcsPkiError } from '../../errors.ts';
import { type Demand, demands } from '../../topology/demands.ts';
import type { Release } from '../../topology/releases/release.ts';
import { findRelease, releaseNames } from '../../topology/releases/releases.ts';
import type { Finding } from '../../topology/rules/rule.ts';
import type { Workspace } from '../target.ts';
import type { Declared } from './declared.ts';

/** What another release would change: `vcs-pki check --release X15.4`. */
export interface WhatIf {
  readonly title: string;
  /** What it would add to the findings, and what would be no longer found. */
  readonly new: readonly Finding[];
  readonly gone: readonly Finding[];
  readonly reissued: readonly Change[];
  /** Where the common name is another from the next renewal on; nothing is reissued for that. */
  readonly renamed: readonly Change[];
}

interface Change {
  readonly certificate: string;
  readonly why: string;
}

/** Fails with USAGE. */
export function parseRelease(name: string): Release {
  const release = findRelease(name);
  if (release) return release;
  throw new VcsPkiError('USAGE', {
    at: '--release',
    value: name,
    message: `${name} is no release that is known`,
    fix: `use one of ${releaseNames.join(', ')}, or a maintenance release of one`,
  });
}

/** The same declaration, with all clusters on one release. */
export function withRelease(workspace: Workspace, { name }: Release): Workspace {
  const clusters = workspace.topology.clusters.map((cluster) => ({ ...cluster, release: name }));
  return { ...workspace, topology: { ...workspace.topology, clusters } };
}

export function whatIf(today: Declared, then: Declared, { name }: Release): WhatIf {
  const { topology } = today.session.workspace;
  const upgraded = topology.clusters.filter(({ release }) => release !== name);
  const [before, now] = [allFindings(today), allFindings(then)];
  const known = new Set(before.map(identityOf));
  const left = new Set(now.map(identityOf));
  const after = new Map(demands(then.session.workspace.topology).map((demand) => [demand.id, demand]));
  const pairs = demands(topology).flatMap((demand) => {
    const wanted = after.get(demand.id);
    return wanted ? [{ demand, wanted, differences: compare(specificationOf(demand), specificationOf(wanted)) }] : [];
  });
  return {
    title:
      upgraded.length === 0
        ? `every cluster runs ${name} already`
        : `what if ${upgraded.map(({ id, release }) => `${id} (${release})`).join(' and ')} ran ${name}`,
    new: now.filter((finding) => !known.has(identityOf(finding))),
    gone: before.filter((finding) => !left.has(identityOf(finding))),
    reissued: pairs
      .filter(({ differences }) => differences.length > 0)
      .map(({ demand, differences }) => ({ certificate: demand.id, why: differences.join(', ') })),
    renamed: pairs
      .filter(
        ({ demand, wanted, differences }) => differences.length === 0 && commonName(demand) !== commonName(wanted),
      )
      .map(({ demand, wanted }) => ({
        certificate: demand.id,
        why: `common name ${commonName(demand)} -> ${commonName(wanted)}`,
      })),
  };
}

function allFindings({ findings, bundles }: Declared): Finding[] {
  return [...findings, ...bundles.findings];
}

function commonName({ subject }: Demand): string {
  return subject.commonName;
}

/** The same thing in another wording is still the same. */
function identityOf({ code, at, severity }: Finding): string {
  return [code, at, severity].join('\n');
}
