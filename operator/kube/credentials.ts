import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { VcsPkiError } from '../../src/errors.ts';
import type { Scheduler } from '../runtime/scheduler.ts';

const MINUTE_MS = 60_000;

/** What is taken of client-node's KubeConfig: where the API server is, and what a request needs to be let in. */
export type KubeAccess = Pick<KubeConfig, 'getCurrentCluster' | 'applyToHTTPSOptions'>;

export interface KubeConfigSource {
  /** A kubeconfig; by default $KUBECONFIG, ~/.kube/config, then the service account of the pod. */
  readonly file?: string;
  /** A context of it; by default its current one. */
  readonly context?: string;
}

/** Reads a kubeconfig. client-node takes a second to load, so it is loaded here and not before. */
export async function loadKubeConfig({ file, context }: KubeConfigSource = {}): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    if (context !== undefined) config.setCurrentContext(context);
  } catch (cause) {
    throw invalid(file ?? 'kubeconfig', 'the kubeconfig cannot be read', cause);
  }
  if (!config.getCurrentCluster())
    throw invalid(file ?? 'kubeconfig', `it has no cluster for the context ${JSON.stringify(config.currentContext)}`);
  return config;
}

/** The server's address and the options that authenticate a request; read again after a minute, so that rotated tokens and files are taken up. */
export class Credentials {
  readonly server: URL;
  /** Requests go through the proxy that the kubeconfig names. */
  readonly proxied: boolean;
  readonly #access: KubeAccess;
  readonly #scheduler: Scheduler;
  #current: Promise<RequestOptions> | undefined;
  #readAt = 0;

  constructor(access: KubeAccess, scheduler: Scheduler) {
    const cluster = access.getCurrentCluster();
    if (!cluster || !URL.canParse(cluster.server))
      throw invalid('kubeconfig', `${JSON.stringify(cluster?.server)} is not the address of an API server`);
    this.server = new URL(cluster.server);
    this.proxied = cluster.proxyUrl !== undefined;
    this.#access = access;
    this.#scheduler = scheduler;
  }

  options(): Promise<RequestOptions> {
    const now = this.#scheduler.now().getTime();
    if (!this.#current || Math.abs(now - this.#readAt) >= MINUTE_MS) {
      this.#readAt = now;
      this.#current = this.#read();
      this.#current.catch(() => this.expire());
    }
    return this.#current;
  }

  /** The server did not accept them: the next request reads them again. */
  expire(): void {
    this.#current = undefined;
  }

  async #read(): Promise<RequestOptions> {
    const options: RequestOptions = {};
    try {
      await this.#access.applyToHTTPSOptions(options);
    } catch (cause) {
      throw invalid('kubeconfig', 'its credentials cannot be read', cause);
    }
    return options;
  }
}

function invalid(at: string, message: string, cause?: unknown): VcsPkiError {
  return new VcsPkiError('KUBE_CONFIG_INVALID', {
    at,
    message,
    fix: 'name a kubeconfig with which `kubectl get namespaces` works, or run in a pod with a service account',
    cause,
  });
}
