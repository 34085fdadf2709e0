import { once } from 'node:events';
import { resolve } from 'node:path';
import { VcsPkiError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { text } from '../options.ts';

export const operatorCommand: Command = {
  arguments: '',
  minArguments: 0,
  maxArguments: 0,
  description: `Looks after the CertificateAuthority and Certificate resources of one namespace of a Kubernetes cluster, until it
is stopped: issues, renews, revokes what is removed, and signs revocation lists every day.

Without --kubeconfig it uses $KUBECONFIG, ~/.kube/config or, in a pod, its service account. The custom resource
definitions and the Role that it needs are in operator/deploy of this package.`,
  options: {
    namespace: { type: 'text', short: 'n', value: 'NAMESPACE', description: 'The namespace to look after' },
    kubeconfig: { type: 'text', value: 'FILE', description: 'How to reach the cluster' },
    context: { type: 'text', value: 'NAME', description: 'A context of the kubeconfig; default its current one' },
  },
  examples: ['vcs-pki operator --namespace collaboration'],
  async run(_args, options, context) {
    const namespace = text(options, 'namespace');
    if (namespace === undefined) {
      throw new VcsPkiError('USAGE', {
        at: '--namespace',
        message: 'is missing',
        fix: 'name the namespace to look after: vcs-pki operator --namespace collaboration',
      });
    }
    const file = text(options, 'kubeconfig');
    const wanted = text(options, 'context');
    const { connect, startOperator } = await import('../../../operator/index.ts');
    const client = await connect({
      ...(file !== undefined && { file: resolve(context.cwd, file) }),
      ...(wanted !== undefined && { context: wanted }),
    });
    const { signal, random, env } = context;
    const log = { info: context.progress, warn: context.progress, error: context.progress };
    try {
      const operator = await startOperator({ client, namespace, random, log, signal, ...instanceOf(env) });
      context.progress(`looking after ${namespace}`);
      if (!signal.aborted) await once(signal, 'abort');
      context.progress('stopping');
      await operator.stop();
      return 0;
    } finally {
      client.close();
    }
  },
};

/** A pod's host name is its name. */
function instanceOf({ HOSTNAME }: Readonly<Record<string, string | undefined>>): { instance?: string } {
  return HOSTNAME === undefined || HOSTNAME === '' ? {} : { instance: HOSTNAME.slice(0, 128) };
}
