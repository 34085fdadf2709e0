import type { Clock, Random } from '../../src/authority/ports.ts';
import type { CertificateObject } from '../api/resources.ts';
import type { KubeApi } from '../kube/client.ts';
import type { PendingKeys } from '../kube/kube-material.ts';
import type { KubeObject, Stored } from '../kube/resource.ts';
import type { EventDetails } from '../runtime/events.ts';

/** What is known of the namespaces that are looked after, possibly a little out of date. */
export interface Surroundings {
  certificates(): readonly Stored<CertificateObject>[];
  /** The metadata of Secrets. */
  secrets(): readonly Stored<KubeObject>[];
}

/** What the controllers have to do with the world. */
export interface World {
  readonly client: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly pending: PendingKeys;
  /** Tells the users of an object what happened to it, by an event, and the administrator by a line of the log. */
  announce(object: Stored, details: EventDetails): void;
}
