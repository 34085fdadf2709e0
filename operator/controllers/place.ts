import type { Issuer } from '../../src/authority/issuer.ts';
import type { Done, Place } from '../../src/authority/perform.ts';
import type { IssuedMaterial, Ledger } from '../../src/authority/ports.ts';
import { serialHex } from '../../src/x509/certificate.ts';
import type { KubeMaterial } from '../kube/kube-material.ts';
import { topologyOf } from '../kube/records.ts';
import type { Stored } from '../kube/resource.ts';
import { compromisedIn } from './keys.ts';
import type { World } from './world.ts';

interface Given {
  readonly material: KubeMaterial;
  /** Of the authority that is created. */
  readonly ledger?: Ledger;
  /** Who signs. */
  readonly open?: () => Promise<Issuer | undefined>;
  /** What a Secret is restored to. */
  readonly recorded?: IssuedMaterial;
}

/** Where the steps of one object are done in Kubernetes: as much of it as the step asks for. */
export function placeIn(world: World, namespace: string, { material, ledger, open, recorded }: Given): Place {
  const { clock, random } = world;
  return {
    topology: topologyOf(namespace),
    ports: { clock, random, material, compromised: compromisedIn(world, namespace) },
    prepare: async () => given(ledger, 'ledger'),
    open: async () => given(await open?.(), 'issuer'),
    recorded: async () => given(recorded, 'record'),
  };
}

function given<T>(part: T | undefined, what: string): T {
  if (part === undefined) throw new TypeError(`a step asks for the ${what}, which it was not given`);
  return part;
}

/** Tells by an event what a step has done. */
export function announceDone(world: World, object: Stored, done: Done): void {
  world.announce(object, { type: 'Normal', ...eventOf(done) });
}

function eventOf(done: Done): { readonly reason: string; readonly note: string } {
  switch (done.kind) {
    case 'created authority':
      return { reason: 'Created', note: `created authority: ${done.reason}` };
    case 'issued':
      return { reason: 'Issued', note: `issued ${serialHex(done.certificate.serialNumber)}: ${done.reason}` };
    case 'requested':
      return { reason: 'Requested', note: `made its request: ${done.reason}` };
    case 'restored':
      return { reason: 'Restored', note: `restored its Secret: ${done.reason}` };
    case 'revoked':
      return { reason: 'Revoked', note: `revoked ${done.serial}: ${done.reason}` };
    case 'signed CRL': {
      const { crl, reason } = done;
      const note = `signed revocation list ${crl.crlNumber} with ${crl.size} entries: ${reason}`;
      return { reason: 'ListSigned', note };
    }
  }
}
