import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { MemoryLedger } from '../../src/authority/testing/memory-ledger.ts';
import { MemoryMaterial } from '../../src/authority/testing/memory-material.ts';
import { DiskLedger } from '../../src/store/disk-ledger.ts';
import { DiskMaterial } from '../../src/store/disk-material.ts';
import { diskFileSystem, type FileSystem } from '../../src/store/file-system.ts';
import { PkiDirectory } from '../../src/store/pki-directory.ts';
import { MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import { authoritySchema } from '../../src/topology/schema.ts';
import { ledgerContract } from './ledger.ts';
import { materialContract } from './material.ts';

const authority = authoritySchema.parse({ id: 'issuing-ca', subject: { commonName: 'Issuing CA' } });

ledgerContract('in memory', async () => {
  const ledger = new MemoryLedger();
  return { topology: 'edge', open: async () => ledger };
});
ledgerContract('on a disk in memory', async () => {
  const fs = new MemoryFileSystem();
  await fs.makeDirectory('/pki');
  return diskLedger(fs, '/pki');
});
ledgerContract('on disk', async () => diskLedger(diskFileSystem, await temporaryFolder()));

materialContract('in memory', async () => {
  const material = new MemoryMaterial();
  return { open: async () => material };
});
materialContract('on a disk in memory', async () => {
  const fs = new MemoryFileSystem();
  await fs.makeDirectory('/pki');
  return { open: async () => new DiskMaterial(fs, '/pki', undefined) };
});
materialContract('on disk', async () => {
  const folder = await temporaryFolder();
  return { open: async () => new DiskMaterial(diskFileSystem, folder, undefined) };
});

async function diskLedger(fs: FileSystem, folder: string) {
  const directory = new PkiDirectory(fs, folder, { writable: true });
  await directory.prepareAuthority(authority, 1, 1n);
  const path = directory.authorityPath({ authority: authority.id, generation: 1 });
  return { topology: 'edge', open: async () => new DiskLedger(fs, path, true) };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vcs-pki-contract-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
