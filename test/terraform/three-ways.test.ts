import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Certificate } from '../../src/x509/certificate.ts';
import { type NullProvider, startNullProvider } from '../support/null-provider.ts';
import { certificatesIn, declareTellingly, facts, ORGANIZATION } from '../support/same-certificates.ts';
import { describeWithTool } from '../support/tools.ts';
import { succeeded, TerraformProject } from './terraform-project.ts';

/** Carries out the declaration of a fresh project its own way, and gives the certificates by demand id. */
type Way = (project: TerraformProject) => Promise<Map<string, Certificate>>;

describeWithTool('terraform', 'one declaration gives the same certificates', (path) => {
  let provider: NullProvider;
  let reference: Map<string, unknown>;
  const projects: TerraformProject[] = [];

  beforeAll(async () => {
    provider = await startNullProvider();
    reference = await factsOf(byCommand);
  });
  afterAll(async () => {
    for (const { project } of projects) project.remove();
    await provider.stop();
  });

  it('by vcs-pki apply: for every peer of the example', () => {
    expect([...reference.keys()]).toEqual([
      'core/expc1/server',
      'core/expc2/server',
      'edge/expe1/server',
      'edge/expe2/server',
    ]);
    expect(reference.get('edge/expe1/server')).toMatchObject({
      subject: [
        ['O', ORGANIZATION],
        ['CN', 'expe1.example.com'],
      ],
      names: ['expe1.example.com', 'expe.example.com', 'example.com'],
      keyType: 'rsa-2048',
      lifetimeDays: 90,
    });
  });

  it('by terraform', async () => {
    expect(await factsOf(byTerraform)).toEqual(reference);
  });

  async function factsOf(way: Way): Promise<Map<string, unknown>> {
    const project = new TerraformProject(path, provider, '2026-11-21T12:00:00Z');
    projects.push(project);
    declareTellingly(project.project);
    return new Map([...(await way(project))].map(([demand, certificate]) => [demand, facts(certificate)]));
  }
});

async function byCommand(project: TerraformProject): Promise<Map<string, Certificate>> {
  succeeded(await project.cli('apply'));
  return certificatesIn(project.project);
}

async function byTerraform(project: TerraformProject): Promise<Map<string, Certificate>> {
  await project.synth();
  await project.init();
  succeeded(await project.apply());
  return certificatesIn(project.project);
}
