import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { certificateAuthorities, certificates, type DeclaredObject } from '../../operator/api/resources.ts';
import { type Operator, startOperator } from '../../operator/index.ts';
import type { KubeApi, KubeClient } from '../../operator/kube/client.ts';
import type { ResourceType } from '../../operator/kube/resource.ts';
import { type Scheduler, systemScheduler } from '../../operator/runtime/scheduler.ts';
import { RecordedLog } from '../../operator/runtime/testing/recorded-log.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { eventually, installDefinitions, operatorClient, Site } from './operator.ts';

const authorities: ResourceType<DeclaredObject> = certificateAuthorities;
const leaves: ResourceType<DeclaredObject> = certificates;

/** A control plane for the tests of one file; for each of them a namespace, and the operators that it starts there. */
export class Stage {
  readonly #running = new Set<Operator>();
  #made: { plane: ControlPlane; site: Site; client: KubeClient; log: RecordedLog } | undefined;
  #plane: ControlPlane | undefined;

  /** To be called where the tests are described. */
  static forTheseTests(): Stage {
    const stage = new Stage();
    beforeAll(async () => {
      stage.#plane = await startControlPlane();
      await installDefinitions(stage.#plane, 'default');
    });
    afterAll(() => stage.#plane?.stop());
    beforeEach(() => stage.renew());
    afterEach(() => stage.#clear());
    return stage;
  }

  get plane(): ControlPlane {
    return this.#there.plane;
  }

  get site(): Site {
    return this.#there.site;
  }

  /** May do what the operator may. */
  get client(): KubeClient {
    return this.#there.client;
  }

  get log(): RecordedLog {
    return this.#there.log;
  }

  /** Goes on in another namespace. */
  async renew(): Promise<void> {
    await this.#clear();
    const plane = this.#plane;
    if (!plane) throw new Error('the control plane has not been started');
    const site = await Site.in(plane);
    this.#made = { plane, site, client: await operatorClient(plane, site.namespace), log: new RecordedLog() };
  }

  async start(scheduler: Scheduler = systemScheduler, by: KubeApi = this.client): Promise<Operator> {
    const { namespace } = this.site;
    const random = { bytes: randomBytes };
    const operator = await startOperator({ client: by, namespace, scheduler, random, log: this.log });
    this.#running.add(operator);
    return operator;
  }

  async stop(operator?: Operator): Promise<void> {
    for (const each of operator ? [operator] : [...this.#running]) {
      this.#running.delete(each);
      await each.stop();
    }
  }

  /** root-ca, issuing-ca below it and the certificates of these peers under issuing-ca, all ready. */
  async established(...names: string[]): Promise<Operator> {
    const { site } = this;
    const peers = names.length > 0 ? names : ['expc1'];
    await site.authority('root-ca', { crl: { everyDays: 30, validDays: 90 } });
    await site.authority('issuing-ca', { issuerRef: { name: 'root-ca' }, lifetimeDays: 1000 });
    for (const name of peers) await site.certificate(name, { issuerRef: { name: 'issuing-ca' } });
    const operator = await this.start();
    await site.ready(authorities, 'root-ca', 'issuing-ca');
    await site.ready(leaves, ...peers);
    return operator;
  }

  /** Deletes a Certificate and resolves when it is gone. */
  async remove(name: string): Promise<void> {
    const { admin, namespace } = this.site;
    await admin.delete(leaves, { namespace, name });
    await eventually(`${name} is gone`, async () => !(await admin.get(leaves, { namespace, name })));
  }

  get #there() {
    if (!this.#made) throw new Error('only while a test runs');
    return this.#made;
  }

  async #clear(): Promise<void> {
    await this.stop();
    this.#made?.client.close();
    await this.#made?.site.close();
    this.#made = undefined;
  }
}
