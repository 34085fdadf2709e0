// Finds the binaries of a Kubernetes control plane for the tests, and builds them from their Go modules where there are none.
// As a command (`node test/envtest/build.mjs`) it prints the folder that holds kube-apiserver and etcd.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const modules = [
  { name: 'etcd', module: 'go.etcd.io/etcd/server/v3', minutes: 1, ldflags: () => '-s -w' },
  {
    name: 'kube-apiserver',
    module: 'k8s.io/kubernetes',
    minutes: 6,
    ldflags: (version) => `-s -w -X k8s.io/component-base/version.gitVersion=v${version}`,
  },
];

/** The folder that holds both binaries, or undefined. Builds nothing. */
export function findBinaries() {
  return [process.env.KUBEBUILDER_ASSETS, cacheFolder()].find((folder) => folder && missingIn(folder).length === 0);
}

/** As findBinaries, but builds what is missing where Go is installed. Throws where a build fails. */
export function ensureBinaries() {
  const found = findBinaries();
  if (found || !goInstalled()) return found;
  const folder = cacheFolder();
  mkdirSync(folder, { recursive: true });
  for (const binary of missingIn(folder)) build(binary, folder);
  return folder;
}

function missingIn(folder) {
  return modules.filter(({ name }) => !existsSync(join(folder, name)));
}

function goInstalled() {
  return spawnSync('go', ['version']).status === 0;
}

/** Outside the repository and named after what is built, so that only a fresh machine or a new version pays for a build. */
function cacheFolder() {
  const hash = createHash('sha256');
  for (const { name } of modules)
    for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(here, name, file)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'vcs-pki', 'envtest', hash.digest('hex').slice(0, 16));
}

function build({ name, module, minutes, ldflags }, folder) {
  const version = versionOf(module, readFileSync(join(here, name, 'go.mod'), 'utf8'));
  const about = minutes === 1 ? 'a minute' : `${minutes} minutes`;
  process.stderr.write(`building ${name} ${version} from its Go module (once, about ${about}) ...\n`);
  const unfinished = join(folder, `.${name}.${process.pid}`);
  const result = spawnSync('go', ['build', '-trimpath', '-ldflags', ldflags(version), '-o', unfinished, '.'], {
    cwd: join(here, name),
    env: { ...process.env, GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.status !== 0) {
    rmSync(unfinished, { force: true });
    throw new Error(`go build of ${name} ${version} failed; its messages are above`);
  }
  renameSync(unfinished, join(folder, name));
}

function versionOf(module, goMod) {
  return goMod
    .split('\n')
    .map((line) => line.replace('require', '').trim().split(' '))
    .find(([path]) => path === module)[1]
    .slice(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = ensureBinaries();
  if (folder) process.stdout.write(`${folder}\n`);
  else {
    process.stderr.write('no Go and no KUBEBUILDER_ASSETS: the control plane for the tests is missing\n');
    process.exitCode = 1;
  }
}
