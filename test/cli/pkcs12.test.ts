import { expect, it } from 'vitest';
import { MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import { runCli } from '../support/cli.ts';
import { collaborationEdge } from '../support/topologies.ts';

it('server.p12 of a bundle is of the certificate beside it, under the password that was given last', async () => {
  const file = '/project/topology.json';
  const password = '/project/password';
  const fs = new MemoryFileSystem();
  const vcsPki = async (...args: string[]) => {
    const ran = await runCli(args, { fs, now: () => new Date('2026-11-21T12:00:00Z') });
    expect(ran.code, ran.progress).toBe(0);
    return ran.out;
  };
  const write = (path: string, content: string) => fs.writeFile(path, Buffer.from(content), 0o644);
  const p12 = () => fs.readFile('/project/pki/bundles/edge-test/core/expc1/server.p12');
  const withPassword = () => vcsPki('apply', file, '--pkcs12-password-file', password);

  const { clusters = [], trustLists = [], authorities = [] } = collaborationEdge({ corePeers: ['expc1'] });
  await fs.makeDirectory('/project');
  await write(
    file,
    JSON.stringify({
      name: 'edge-test',
      authorities,
      clusters: clusters.filter(({ id }) => id === 'core'),
      trustLists: trustLists.map((one) => ({ ...one, appliesTo: ['core'] })),
    }),
  );
  await write(password, 'geheim');
  await withPassword();
  const first = await p12();
  await withPassword();
  await vcsPki('apply', file);
  expect(await p12(), 'the same certificate, the same password').toEqual(first);
  const renewed = await vcsPki('issue', 'core/expc1/server', file, '--renew');
  expect(renewed).toContain('removed server.p12 of core/expc1');
  expect(await p12(), 'a renewal without a password').toBeUndefined();
  await withPassword();
  await write(password, 'anders');
  await withPassword();
  const lock = JSON.parse(`${await fs.readFile('/project/vcs-pki.lock.json')}`);
  const shown = await vcsPki(
    ...['show', '/project/pki/bundles/edge-test/core/expc1/server.p12'],
    ...['--password-file', password, '--output', 'json'],
  );
  expect(shown).toContain(lock.certificates['core/expc1/server'].serial);
});
