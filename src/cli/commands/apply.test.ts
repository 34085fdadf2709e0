import { beforeEach, describe, expect, it } from 'vitest';
import { ecKey } from '../../../test/contract/signed-certificate.ts';
import { runCli } from '../../../test/support/cli.ts';
import { collaborationEdge } from '../../../test/support/topologies.ts';
import { MemoryFileSystem } from '../../store/testing/memory-file-system.ts';
import type { TopologyInput } from '../../topology/schema.ts';
import { type Crl, readCrl } from '../../x509/crl.ts';
import { encodePem } from '../../x509/pem.ts';
import { createRequest } from '../../x509/request.ts';

const file = '/project/topology.json';
const PKI = '/project/pki';
const BUNDLES = `${PKI}/bundles/edge-test`;
const declared = collaborationEdge({ corePeers: ['expc1', 'expc2'], edgePeers: ['expe1'] });
let fs: MemoryFileSystem;
let now: Date;

beforeEach(async () => {
  fs = new MemoryFileSystem();
  now = new Date('2026-11-21T12:00:00Z');
  await fs.makeDirectory('/project');
  await declare(declared);
});

const declare = (topology: TopologyInput) => write(file, JSON.stringify(topology));
const vcsPki = (...args: string[]) => runCli(args, { fs, now: () => now });
async function applied(...args: string[]): Promise<string> {
  const { code, out, progress } = await vcsPki('apply', file, ...args);
  expect(code, progress).toBe(0);
  return out;
}
const read = async (path: string) => (await fs.readFile(path))?.toString();
const write = async (path: string, content: string | Buffer, mode = 0o644) => {
  await fs.makeDirectory(path.slice(0, path.lastIndexOf('/')));
  await fs.writeFile(path, Buffer.from(content), mode);
};
const list = async (authority = 'issuing-ca'): Promise<Crl> =>
  readCrl((await fs.readFile(`${PKI}/published/${authority}.crl`)) ?? Buffer.alloc(0), authority);
const lock = async () => JSON.parse((await read('/project/vcs-pki.lock.json')) ?? '');
const serialOf = async (owner: string): Promise<string> => (await lock()).certificates[owner].serial;
const days = (count: number) => {
  now = new Date(now.getTime() + count * 24 * 3600 * 1000);
};
/** Refused with this code, and with nothing changed. */
async function refused(code: string, ...args: string[]): Promise<string> {
  const before = fs.files();
  const { code: exit, progress } = await vcsPki(...args);
  expect(exit, progress).toBe(1);
  expect(progress).toContain(`error ${code}`);
  expect(fs.files()).toEqual(before);
  return progress;
}

/** A disk on which another writer takes over after so many renames, and everything as it is then. */
class TakenOver extends MemoryFileSystem {
  found: ReturnType<MemoryFileSystem['files']> | undefined;
  #renames: number;

  constructor(renames: number) {
    super();
    this.#renames = renames;
  }

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    this.#renames -= 1;
    if (this.#renames !== 0) return;
    await this.removeFile(`${PKI}/.writer`);
    await this.createFile(`${PKI}/.writer`, Buffer.from('{"id":"another"}'), 0o644);
    this.found = this.files();
  }
}

describe('the lock of the PKI directory', () => {
  it('I2: when another writer takes over, wherever that is, nothing more is written, nor the lock file beside it', async () => {
    let stops = 0;
    for (let renames = 1; ; renames++) {
      const disk = new TakenOver(renames);
      fs = disk;
      await declare(declared);
      const { code, progress } = await vcsPki('apply', file);
      if (!disk.found) break;
      expect(disk.files(), `after rename ${renames}`).toEqual(disk.found);
      if (code === 0) continue;
      expect(progress).toContain('error LOCK_LOST: /project/pki/.writer: another writer has taken over');
      stops += 1;
    }
    expect(stops).toBeGreaterThan(50);
  });

  it('I15: who does not wait for it is refused, and told how long to wait for one that is not renewed', async () => {
    await applied();
    await write(`${PKI}/.writer`, JSON.stringify({ id: 'a', process: 4711, host: 'there', command: 'vcs-pki crl' }));
    const said = await refused('DIRECTORY_LOCKED', 'crl', file, '--lock-timeout', '5');
    expect(said).toContain('held by process 4711 on there (vcs-pki crl), not renewed for 5 s; waited 5 s');
    expect(said).toContain('with --lock-timeout 60: a lock that is not renewed for 30 s is taken over');
    const { code, progress } = await vcsPki('crl', file, '--lock-timeout', '60');
    expect(code, progress).toBe(0);
    expect(progress).toContain(
      'waiting: /project/pki is held by process 4711 on there (vcs-pki crl), not renewed for 3 s; taken over after 30 s',
    );
    expect(await read(`${PKI}/.writer`)).toBeUndefined();
  });
});

describe('the PKI directory', () => {
  it('I1: is kept out of Git from its first moment, and one that is there already from the next run', async () => {
    await applied();
    expect(await read(`${PKI}/.gitignore`)).toBe('*\n');
    await fs.removeFile(`${PKI}/.gitignore`);
    expect((await vcsPki('crl', file, '--due')).code).toBe(0);
    expect(await read(`${PKI}/.gitignore`)).toBe('*\n');
    await write(`${PKI}/.gitignore`, '*\n!published\n');
    await applied();
    expect(await read(`${PKI}/.gitignore`)).toBe('*\n!published\n');
  });

  it('belongs to one Terraform workspace: another is refused, and who names none is not asked', async () => {
    await applied('--workspace', 'default');
    const progress = await refused('DIRECTORY_TAKEN', 'apply', file, '--workspace', 'second');
    expect(progress).toContain('fix: run: terraform workspace select default');
    await refused('DIRECTORY_TAKEN', 'revoke', '--all', file, '--workspace', 'second');
    await refused('DIRECTORY_TAKEN', 'issue', 'core/expc1/server', file, '--workspace', 'second', '--renew');
    expect(await applied()).toContain('nothing to do');
  });

  it('another declaration than the planned one is refused', async () => {
    await applied();
    await refused('PLAN_OUTDATED', 'apply', file, '--declaration', '0123456789abcdef');
    await refused('PLAN_OUTDATED', 'revoke', '--all', file, '--declaration', '0123456789abcdef');
  });
});

describe('names that mean something to JavaScript or to the record', () => {
  it.each(['authority', 'constructor', 'prototype', 'tostring'])(
    'a cluster, a peer and an authority may be called %s',
    async (name) => {
      const { authorities = [], clusters = [] } = declared;
      await declare({
        name,
        authorities: authorities.slice(0, 1).map((authority) => ({ ...authority, id: name })),
        clusters: clusters.slice(0, 1).map((cluster) => ({
          ...cluster,
          id: name,
          issuer: name,
          peers: [{ id: name, hostName: 'expc1', domain: 'example.com' }],
        })),
        trustLists: [{ id: name, authorities: [name], appliesTo: [name] }],
      });
      await applied();
      const serial = await serialOf(`${name}/${name}/server`);
      for (let again = 0; again < 2; again++) expect(await applied()).toContain('nothing to do');
      expect(await serialOf(`${name}/${name}/server`)).toBe(serial);
      expect((await vcsPki('issue', `${name}/${name}/server`, file, '--renew')).code).toBe(0);
      expect(await applied()).toContain('nothing to do');
      expect((await vcsPki('revoke', `${name}/${name}/server`, file)).code).toBe(0);
      expect((await list(name)).size).toBe(2);
      for (const command of ['plan', 'prove', 'check'])
        await vcsPki(command, file).then(({ progress }) => expect(progress).not.toContain('UNEXPECTED'));
    },
  );
});

describe('I14: what another left in the directory', () => {
  it('a key of an authority that no run has made is not used', async () => {
    const planted = ecKey().export({ type: 'pkcs8', format: 'pem' }).toString();
    await write(`${PKI}/authorities/root-ca/private/cakey.pem`, planted, 0o600);
    const { code, progress } = await vcsPki('apply', file);
    expect(code).toBe(1);
    expect(progress).toContain('error OBJECT_TAKEN');
    expect(await read(`${PKI}/authorities/root-ca/private/cakey.pem`)).toBe(planted);
    expect(await read(`${PKI}/authorities/root-ca/cacert.pem`)).toBeUndefined();
  });

  it('an authority whose records are lost is not made anew over its certificates (D36), with or without a lock file', async () => {
    await applied();
    await fs.removeFile('/project/vcs-pki.lock.json');
    for (const lost of [['root-ca'], ['issuing-ca'], ['root-ca', 'issuing-ca']]) {
      const kept = fs.copy();
      for (const id of lost)
        for (const name of ['index.txt', 'records.jsonl']) await fs.removeFile(`${PKI}/authorities/${id}/${name}`);
      if (lost.length === 1 && lost[0] === 'issuing-ca') {
        // Its own record is with the root; its leaves are all that it lost.
        expect((await vcsPki('plan', file)).out).toContain('no certificate yet');
      } else {
        const progress = await refused('LEDGER_LOST_ENTRIES', 'apply', file);
        expect(progress).toContain('restore records.jsonl and index.txt');
      }
      fs = kept;
    }
  });
});

describe('certificates whose keys are lost', () => {
  it('are replaced, not revoked; check shows them until a person revokes them as it says', async () => {
    await applied();
    const lost = await serialOf('core/expc1/server');
    await fs.removeFile(`${PKI}/certificates/core/expc1/server/1/key.pem`);
    await applied();
    await vcsPki('issue', 'core/expc2/server', file, '--renew');
    expect((await list()).size).toBe(0);
    const findings = async () =>
      JSON.parse((await vcsPki('check', file, '--output', 'json')).out).findings.filter(
        ({ code }: { code: string }) => code === 'CERTIFICATE_ABANDONED',
      );
    const [found, ...others] = await findings();
    expect(others, 'an ordinary renewal abandons nothing').toEqual([]);
    expect(found).toMatchObject({ severity: 'warning', at: 'core/expc1/server', value: lost });
    const [, command = ''] = /run: vcs-pki (.*)$/.exec(found.fix) ?? [];
    expect((await vcsPki(...command.split(' '), file)).code).toBe(0);
    expect((await list()).find(BigInt(`0x${lost}`))).toBeDefined();
    expect(await findings()).toEqual([]);
    expect(await applied()).toContain('nothing to do');
  });
});

describe('what is damaged beside the record', () => {
  it.each(['', 'not a list', '\u0030\u0082'])(
    'a published list that is %j is signed anew, under a higher number (I3)',
    async (damage) => {
      await applied();
      const before = await list();
      await write(`${PKI}/published/issuing-ca.crl`, damage);
      for (const command of ['plan', 'prove', 'check']) {
        const { progress, out } = await vcsPki(command, file);
        expect(progress + out, command).not.toContain('UNEXPECTED');
      }
      days(0.01);
      expect(await applied()).toContain('the published list cannot be read');
      expect((await list()).crlNumber ?? 0n).toBeGreaterThan(before.crlNumber ?? 0n);
      expect((await vcsPki('prove', file)).code).toBe(0);
    },
  );

  it.each(['{"core/expc1": {"trust', 'null', '[]', '{"../../../victim": {"trustList": "", "certificate": ""}}'])(
    'a record of what was delivered that is %s counts as none, and deletes nothing elsewhere',
    async (damage) => {
      await applied();
      await write('/victim/server.pem', 'mine');
      await write('/project/victim/server.pem', 'mine');
      await write(`${PKI}/bundles/.edge-test.delivered.json`, damage);
      await applied();
      expect(await read('/victim/server.pem')).toBe('mine');
      expect(await read('/project/victim/server.pem')).toBe('mine');
      expect(JSON.parse((await read(`${PKI}/bundles/.edge-test.delivered.json`)) ?? '')).toHaveProperty(['core/expc1']);
    },
  );

  it('what people put into the bundle of a removed peer stays, and so does a folder there', async () => {
    await applied();
    await write(`${BUNDLES}/core/expc2/notes/asked.txt`, 'ticket 5');
    await write(`${BUNDLES}/core/expc2/mine.pem`, 'mine');
    await declare(collaborationEdge({ corePeers: ['expc1'], edgePeers: ['expe1'] }));
    await applied();
    expect(await read(`${BUNDLES}/core/expc2/notes/asked.txt`)).toBe('ticket 5');
    expect(await read(`${BUNDLES}/core/expc2/mine.pem`)).toBe('mine');
    expect(await read(`${BUNDLES}/core/expc2/server.pem`)).toBeUndefined();
    expect(await read(`${BUNDLES}/core/expc2/privatekey.pem`)).toBeUndefined();
  });
});

describe('a bundle holds one certificate', () => {
  it('no key of before lies beside a certificate whose key is on the appliance', async () => {
    await applied();
    await declare(await requestedBy('expc1'));
    await applied();
    expect(await read(`${BUNDLES}/core/expc1/privatekey.pem`)).toBeUndefined();
    expect(await read(`${BUNDLES}/core/expc2/privatekey.pem`)).toBeDefined();
  });
});

describe('the way back in RUNBOOK.txt', () => {
  const runbook = () => read(`${BUNDLES}/RUNBOOK.txt`);

  it('names the certificate before, where it is still valid; a first certificate has none', async () => {
    await applied();
    expect(await runbook()).not.toContain('Way back');
    const before = await serialOf('core/expc1/server');
    await vcsPki('issue', 'core/expc1/server', file, '--renew');
    expect(await runbook()).toContain(
      `expc1.example.com: load certificate and key of certificates/core/expc1/server/1 in the PKI directory (serial ${before}, valid until 2027-11-21)`,
    );
  });

  it('is taken back in the RUNBOOK.txt that lies there, when it is revoked', async () => {
    await applied();
    const before = await serialOf('core/expc1/server');
    await vcsPki('issue', 'core/expc1/server', file, '--renew');
    expect(await runbook()).toContain(`serial ${before}, valid until`);
    const change = await runbook();
    expect((await vcsPki('revoke', before, file)).code).toBe(0);
    expect(await runbook()).toContain(`expc1.example.com: none; the certificate before, serial ${before}, was revoked`);
    expect((await runbook())?.split('Way back')[0]).toBe(change?.split('Way back')[0]);
  });

  it('never leads to one that was revoked', async () => {
    await applied();
    const before = await serialOf('core/expc1/server');
    await vcsPki('revoke', 'core/expc1/server', file, '--reason', 'keyCompromise');
    await applied();
    expect(await runbook()).toContain(
      `expc1.example.com: none; the certificate before, serial ${before}, was revoked on 2026-11-21 (keyCompromise)`,
    );
    expect(await runbook()).not.toContain('certificates/core/expc1/server/1');
  });
});

describe('I12: a key that was revoked for compromise', () => {
  it('is not certified again for the request of an appliance, and nothing is written', async () => {
    await declare(await requestedBy('expc1'));
    await applied();
    const serial = await serialOf('core/expc1/server');
    expect((await vcsPki('revoke', 'core/expc1/server', file, '--reason', 'keyCompromise')).code).toBe(0);
    const progress = await refused('KEY_COMPROMISED', 'apply', file);
    expect(progress).toContain(`revoked for compromise with serial ${serial}`);
    expect(progress).toContain('generate a new one, and declare that');
    await refused('KEY_COMPROMISED', 'issue', 'core/expc1/server', file);
    await declare(await requestedBy('expc1'));
    await applied();
    expect((await vcsPki('prove', file)).code).toBe(0);
  });

  it('takes every valid certificate of it with it, whichever authority signed it', async () => {
    const first = await requestedBy('expc1');
    await declare(first);
    await applied();
    const { authorities = [], clusters = [], trustLists = [] } = first;
    const second = { ...authorities[1], id: 'second-ca', subject: { commonName: 'Second CA' } };
    await declare({
      ...first,
      authorities: [...authorities, second],
      clusters: clusters.map((cluster) => (cluster.id === 'core' ? { ...cluster, issuer: 'second-ca' } : cluster)),
      trustLists: trustLists.map((one) => ({ ...one, authorities: [...(one.authorities ?? []), 'second-ca'] })),
    } as TopologyInput);
    const old = await serialOf('core/expc1/server');
    await applied();
    const { out } = await vcsPki('revoke', await serialOf('core/expc1/server'), file, '--reason', 'keyCompromise');
    expect(out).toContain(`revoked serial ${old} of issuing-ca`);
    expect((await list('issuing-ca')).find(BigInt(`0x${old}`))?.reason).toBe('keyCompromise');
    expect((await list('second-ca')).size).toBe(1);
    await refused('KEY_COMPROMISED', 'apply', file);
  });

  it('another reason is about the certificate: its key may be certified again', async () => {
    await declare(await requestedBy('expc1'));
    await applied();
    expect((await vcsPki('revoke', 'core/expc1/server', file, '--reason', 'superseded')).code).toBe(0);
    await applied();
    expect((await list()).size).toBe(1);
  });
});

/** The declaration with a request that this peer of core has just made. */
async function requestedBy(peer: string): Promise<TopologyInput> {
  const names = [`${peer}.example.com`, 'expc.example.com'];
  const der = await createRequest(ecKey(), {
    subject: { commonName: `${peer}.example.com` },
    dnsNames: names,
    purposes: ['serverAuth', 'clientAuth'],
  });
  const request = encodePem('CERTIFICATE REQUEST', der);
  return {
    ...declared,
    clusters: (declared.clusters ?? []).map((cluster) => ({
      ...cluster,
      peers: cluster.peers.map((one) => (one.id === peer ? { ...one, request } : one)),
    })),
  };
}
