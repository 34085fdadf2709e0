import { generationOf, type Issuer } from '../../src/authority/issuer.ts';
import { type Done, performOne } from '../../src/authority/perform.ts';
import { planCrl } from '../../src/authority/plan.ts';
import { timestamp } from '../../src/authority/record.ts';
import { crlStateOf } from '../../src/authority/recorded.ts';
import { crlSignedAt, readPublished } from '../../src/authority/revocation-list.ts';
import { nextUpdateDue } from '../../src/authority/schedule.ts';
import { VcsPkiError } from '../../src/errors.ts';
import {
  authorityOf,
  type CertificateAuthorityResource,
  type CertificateAuthorityStatus,
} from '../../src/resources/certificate-authority.ts';
import type { Crl } from '../../src/x509/crl.ts';
import type { AuthorityObject } from '../api/resources.ts';
import type { KubeMaterial } from '../kube/kube-material.ts';
import type { Stored } from '../kube/resource.ts';
import { announceDone, placeIn } from './place.ts';
import { announceNews, LOOK_AGAIN_MS, type NewCondition, reasonOf, wordsOf } from './status.ts';
import type { World } from './world.ts';

/** After the clock was found to have run ahead: publish though the last list is from the future. To be removed by whoever set it. */
export const CLOCK_CORRECTION = 'vcs-pki.dev/after-clock-correction';

/** An authority and where its list is. */
interface Listing {
  readonly resource: CertificateAuthorityResource;
  readonly issuer: Issuer;
  readonly material: KubeMaterial;
}

export interface CurrentList {
  readonly status: CertificateAuthorityStatus['crl'];
  readonly condition: NewCondition;
  /** When to look again. */
  readonly until: Date;
}

/** Signs the list where it is due or lacks a revocation. One that may not be published is a condition of its own: the old one still serves. */
export async function keepListCurrent(
  object: Stored<AuthorityObject>,
  { resource, issuer, material }: Listing,
  world: World,
): Promise<CurrentList> {
  const authority = authorityOf(resource);
  const { crl: settings } = authority;
  const bytes = await material.crl(generationOf(issuer));
  const published = readPublished(bytes, issuer.id);
  const state = await crlStateOf(bytes, issuer.ledger.revoked(), issuer.id);
  const decision = planCrl({ crl: settings }, { crl: state }, 0, world.clock.now());
  if (decision.kind !== 'sign' && published) return current(published, issuer, material, settings);
  const afterClockCorrection = object.metadata.annotations?.[CLOCK_CORRECTION] !== undefined;
  try {
    const reason = decision.kind === 'sign' ? decision.reason : 'no list yet';
    const place = placeIn(world, object.metadata.namespace ?? '', { material, open: async () => issuer });
    const signed: Crl[] = [];
    const announce = (done: Done) => {
      if (done.kind === 'signed CRL') signed.push(done.crl);
      announceDone(world, object, done);
    };
    await performOne({ kind: 'sign CRL', authority, reason }, place, announce, { afterClockCorrection });
    const [crl] = signed;
    if (!crl) throw new TypeError('a list was signed and is not there');
    return current(crl, issuer, material, settings);
  } catch (error) {
    if (!(error instanceof VcsPkiError) || error.code !== 'CRL_REFUSED' || !published) throw error;
    const note = `${wordsOf(error)}; after a clock correction annotate the authority with ${CLOCK_CORRECTION}`;
    const condition = { type: FRESH, status: 'False', reason: reasonOf(error.code), message: note } as const;
    announceNews(world, object, condition);
    const until = new Date(world.clock.now().getTime() + LOOK_AGAIN_MS);
    return { ...current(published, issuer, material, settings), condition, until };
  }
}

const FRESH = 'CRLFresh';

function current(
  crl: Crl,
  issuer: Issuer,
  material: KubeMaterial,
  settings: Parameters<typeof nextUpdateDue>[0],
): CurrentList {
  const nextUpdate = crl.nextUpdate ?? crl.thisUpdate;
  const until = nextUpdateDue(settings, crlSignedAt(crl));
  return {
    status: {
      number: `${crl.crlNumber ?? 0n}`,
      thisUpdate: timestamp(crl.thisUpdate),
      nextUpdate: timestamp(nextUpdate),
      entries: crl.size,
      configMaps: material.crlConfigMaps(generationOf(issuer)),
    },
    condition: {
      type: FRESH,
      status: 'True',
      reason: 'Published',
      message: `valid until ${timestamp(nextUpdate)}; the next one is due at ${timestamp(until)}`,
    },
    until,
  };
}
