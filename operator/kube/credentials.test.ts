import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeScheduler } from '../runtime/testing/fake-scheduler.ts';
import { Credentials, loadKubeConfig } from './credentials.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcs-pki-kubeconfig-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function kubeconfig(user: object, cluster: object = { server: 'https://127.0.0.1:6443' }): Promise<string> {
  const file = join(folder, 'config');
  const config = {
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

describe('a kubeconfig', () => {
  it('gives the address and what authenticates', async () => {
    const file = await kubeconfig({ token: 't1' });
    const credentials = new Credentials(await loadKubeConfig({ file }), new FakeScheduler());
    expect(credentials.server.href).toBe('https://127.0.0.1:6443/');
    expect((await credentials.options()).headers).toEqual({ Authorization: 'Bearer t1' });
  });

  it('has its files read again after a minute, or after a refusal, and not before', async () => {
    const certificate = join(folder, 'client.crt');
    await writeFile(certificate, 'first');
    const scheduler = new FakeScheduler();
    const file = await kubeconfig({ 'client-certificate': certificate });
    const credentials = new Credentials(await loadKubeConfig({ file }), scheduler);
    const read = async () => String((await credentials.options()).cert);
    expect(await read()).toBe('first');
    await writeFile(certificate, 'second');
    scheduler.advance(59_999);
    expect(await read()).toBe('first');
    scheduler.advance(1);
    expect(await read()).toBe('second');
    await writeFile(certificate, 'third');
    credentials.expire();
    expect(await read()).toBe('third');
  });

  it('whose files are missing is an error now, and none as soon as they are there', async () => {
    const certificate = join(folder, 'client.crt');
    const file = await kubeconfig({ 'client-certificate': certificate });
    const credentials = new Credentials(await loadKubeConfig({ file }), new FakeScheduler());
    await expect(credentials.options()).rejects.toMatchObject({ code: 'KUBE_CONFIG_INVALID' });
    await writeFile(certificate, 'there');
    expect(String((await credentials.options()).cert)).toBe('there');
  });

  it.each([
    ['that does not exist', async () => ({ file: join(folder, 'none') })],
    ['without the context asked for', async () => ({ file: await kubeconfig({}), context: 'other' })],
  ])('I10: %s is refused with what to do', async (_which, source) => {
    await expect(loadKubeConfig(await source())).rejects.toMatchObject({
      code: 'KUBE_CONFIG_INVALID',
      fix: expect.stringContaining('kubectl'),
    });
  });

  it('I10: with an address that is none is refused', async () => {
    const config = await loadKubeConfig({ file: await kubeconfig({}, { server: 'nowhere' }) });
    expect(() => new Credentials(config, new FakeScheduler())).toThrow('"nowhere" is not the address');
  });
});
