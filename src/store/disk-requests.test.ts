import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { specificationOf } from '../authority/record.ts';
import { requestKit } from '../delivery/request-kit.ts';
import { demands } from '../topology/demands.ts';
import { parseTopology } from '../topology/topology.ts';
import { DiskRequests } from './disk-requests.ts';
import { diskFileSystem } from './file-system.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcs-pki-requests-'));
});
afterAll(() => rm(directory, { recursive: true }));

it('removes a request with all that was delivered beside it, and nothing that people put there', async () => {
  const [demand] = demands(
    parseTopology(
      {
        name: 'test',
        authorities: [{ id: 'ca', subject: { commonName: 'CA' } }],
        clusters: [
          {
            id: 'core',
            product: 'expressway-c',
            release: 'X8.1',
            issuer: 'ca',
            peers: [{ id: 'expc1', hostName: 'expc1', domain: 'example.com' }],
          },
        ],
      },
      'test',
    ),
  );
  if (!demand) throw new Error('the topology demands a certificate');
  const requests = new DiskRequests(diskFileSystem, directory);
  const der = Buffer.from('3000', 'hex');
  const createdAt = '2026-11-21T12:00:00Z';
  const specification = specificationOf(demand);
  await requests.store(demand.id, {
    issue: 1,
    reason: '',
    createdAt,
    specification,
    request: der.toString('base64'),
  });
  const folder = requests.folder(demand.id);
  for (const { name, content } of requestKit(demand, der)) await writeFile(join(folder, name), content.reveal());
  await writeFile(join(folder, 'server.cer'), 'what came back');
  await mkdir(join(folder, 'mails'));
  expect([...(await requests.pending()).keys()]).toEqual([demand.id]);
  await requests.remove(demand.id);
  expect(await readdir(folder)).toEqual(['mails', 'server.cer']);
  expect(await requests.pending()).toEqual(new Map());
});
