import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/credentials.ts';
import { type KubeObject, namespaces, type ResourceType, type Stored } from '../../operator/kube/resource.ts';
import { pause, systemScheduler } from '../../operator/runtime/scheduler.ts';
import { findBinaries } from '../envtest/build.mjs';

/** Ends what hangs; a busy machine must not reach them. A program that ends is noticed at once. */
const START_LIMIT_MS = 600_000;
const STOP_LIMIT_MS = 120_000;
const POLL_MS = 100;

/** False where neither KUBEBUILDER_ASSETS nor a build has the binaries; global-setup.ts says so. */
export const controlPlaneAvailable = findBinaries() !== undefined;

/** A Kubernetes API server with etcd behind it, and no controllers: nothing collects garbage, namespaces stay. */
export interface ControlPlane {
  readonly port: number;
  /** For an administrator with a client certificate. */
  readonly kubeconfig: { readonly path: string; readonly text: string };
  readonly client: KubeClient;
  /** Makes a namespace that no other test uses and returns its name. */
  createNamespace(): Promise<string>;
  /** Applies objects in order, of kinds that the server has or that objects before define. */
  applyManifest(objects: readonly KubeObject[]): Promise<readonly Stored[]>;
  /** Kills the API server and starts it again on the same port and data. */
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

export async function startControlPlane(): Promise<ControlPlane> {
  const binaries = findBinaries();
  if (binaries === undefined) throw new Error('no kube-apiserver and etcd: run `node test/envtest/build.mjs`');
  const folder = await mkdtemp(join(tmpdir(), 'vcs-pki-control-plane-'));
  const running: Running[] = [];
  const stop = async () => {
    for (const each of running.splice(0).reverse()) await each.stop('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await makeCertificates(folder);
    const etcdPort = await freePort();
    const port = await freePort();
    running.push(await startEtcd(binaries, folder, etcdPort, await freePort()));
    const startApiServer = async () => running.push(await startKubeApiServer(binaries, folder, port, etcdPort));
    await startApiServer();
    const kubeconfig = { path: join(folder, 'kubeconfig'), text: kubeconfigText(folder, port) };
    await writeFile(kubeconfig.path, kubeconfig.text, { mode: 0o600 });
    const client = new KubeClient(await loadKubeConfig({ file: kubeconfig.path }), systemScheduler);
    return {
      port,
      kubeconfig,
      client,
      async createNamespace() {
        const name = `test-${randomBytes(4).toString('hex')}`;
        await client.create(namespaces, { metadata: { name } });
        return name;
      },
      async applyManifest(objects) {
        const applied: Stored[] = [];
        for (const object of objects) applied.push(await client.apply(await typeOf(object, folder, port), object));
        return applied;
      },
      async restartApiServer() {
        await running.pop()?.stop('SIGKILL');
        await startApiServer();
      },
      async stop() {
        client.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startEtcd(binaries: string, folder: string, port: number, peerPort: number): Promise<Running> {
  const url = `http://127.0.0.1:${port}`;
  const flags = [
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--data-dir=${join(folder, 'etcd')}`,
    '--unsafe-no-fsync=true',
  ];
  return startProcess('etcd', join(binaries, 'etcd'), flags, folder, async () => (await fetch(`${url}/health`)).ok);
}

function startKubeApiServer(binaries: string, folder: string, port: number, etcdPort: number): Promise<Running> {
  const flags = [
    '--service-cluster-ip-range=10.0.0.0/24',
    '--allow-privileged=true',
    '--disable-admission-plugins=ServiceAccount',
    `--cert-dir=${folder}`,
    '--authorization-mode=RBAC',
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    `--service-account-issuer=https://127.0.0.1:${port}/`,
    `--service-account-key-file=${join(folder, 'sa-signer.crt')}`,
    `--service-account-signing-key-file=${join(folder, 'sa-signer.key')}`,
    `--client-ca-file=${join(folder, 'ca.crt')}`,
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
  ];
  const binary = join(binaries, 'kube-apiserver');
  return startProcess('kube-apiserver', binary, flags, folder, async () => {
    return (await getAsAdmin('/readyz', folder, port)).status === 200;
  });
}

/** One authority for everything: the server's certificate, the administrator's, and the signer of service account tokens. */
async function makeCertificates(folder: string): Promise<void> {
  await makeCertificate(folder, 'ca', '/CN=control-plane-test-ca', ['basicConstraints=critical,CA:TRUE']);
  const byCa = ['-CA', join(folder, 'ca.crt'), '-CAkey', join(folder, 'ca.key')];
  await makeCertificate(folder, 'apiserver', '/CN=localhost', ['subjectAltName=DNS:localhost,IP:127.0.0.1'], byCa);
  await makeCertificate(folder, 'admin', '/O=system:masters/CN=admin', ['extendedKeyUsage=clientAuth'], byCa);
  await makeCertificate(folder, 'sa-signer', '/CN=sa-signer', []);
}

async function makeCertificate(
  folder: string,
  name: string,
  subject: string,
  extensions: readonly string[],
  issuer: readonly string[] = [],
): Promise<void> {
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`), '-subj', subject],
    ...extensions.flatMap((extension) => ['-addext', extension]),
    ...issuer,
  ]);
}

function kubeconfigText(folder: string, port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': join(folder, 'ca.crt') },
      },
    ],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate': join(folder, 'admin.crt'), 'client-key': join(folder, 'admin.key') },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  });
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Asks the server where it keeps objects of this kind; a resource definition that was applied just now takes a moment. */
async function typeOf(object: KubeObject, folder: string, port: number): Promise<ResourceType> {
  const { apiVersion = '', kind = '' } = object;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const path = `${group === '' ? '/api' : '/apis'}/${apiVersion}`;
  return await eventually(`${apiVersion} ${kind} is served`, async () => {
    const { status, body } = await getAsAdmin(path, folder, port);
    if (status !== 200) return undefined;
    const { resources }: { resources: readonly ApiResource[] } = JSON.parse(body);
    const found = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
    return found && { group, version, plural: found.name, kind, namespaced: found.namespaced };
  });
}

/** Without the client under test and without its pool. */
async function getAsAdmin(path: string, folder: string, port: number): Promise<{ status: number; body: string }> {
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFile(join(folder, name))),
  );
  const sent = request({ host: '127.0.0.1', port, path, ca, cert, key, agent: false });
  sent.end();
  const [answer] = await once(sent, 'response');
  let body = '';
  for await (const chunk of answer.setEncoding('utf8')) body += chunk;
  return { status: answer.statusCode, body };
}

interface Running {
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a process, which ends with this one whatever happens, and waits until it is ready. Its output is in `<folder>/<name>.log`. */
async function startProcess(
  name: string,
  binary: string,
  flags: readonly string[],
  folder: string,
  ready: () => Promise<boolean>,
): Promise<Running> {
  const log = join(folder, `${name}.log`);
  const output = openSync(log, 'a');
  const child = spawn(binary, flags, { stdio: ['ignore', output, output], cwd: folder });
  closeSync(output);
  const ended = once(child, 'exit');
  guard(child, folder);
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(patience);
  };
  try {
    await eventually(`${name} is ready`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      return (await ready().catch(() => false)) || undefined;
    });
  } catch (error) {
    await stop('SIGKILL');
    const lastWords = (await readFile(log, 'utf8')).slice(-2_000);
    throw new Error(`${name} did not start: ${lastWords}`, { cause: error });
  }
  return { stop };
}

/** A shell that reads from a pipe of ours, which ends however we do, and then removes what we left. */
function guard(child: ChildProcess, folder: string): void {
  const script = 'cat > /dev/null; kill -9 "$0"; rm -rf "$1"';
  const shell = spawn('sh', ['-c', script, `${child.pid}`, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.once('exit', () => shell.kill('SIGKILL'));
  shell.unref();
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${START_LIMIT_MS / 1000} s in vain until ${what}`);
    await pause(systemScheduler, POLL_MS);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port on the loopback interface');
  return address.port;
}
