import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { keyTypeOf } from '../../src/x509/keys.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { type NullProvider, startNullProvider } from '../support/null-provider.ts';
import type { Project } from '../support/project.ts';
import { describeWithTool } from '../support/tools.ts';
import { succeeded, TerraformProject } from './terraform-project.ts';

/** Terraform would evaluate it, and a shell would not leave it alone. */
const ORGANIZATION = `Example \${upper("x")} & Söhne`;

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

  const ways: Record<string, Way> = { terraform: byTerraform };

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

  it.each(Object.keys(ways))('by %s', async (way) => {
    expect(await factsOf(ways[way]!)).toEqual(reference);
  });

  async function factsOf(way: Way): Promise<Map<string, unknown>> {
    const project = new TerraformProject(path, provider, '2026-11-21T12:00:00Z');
    projects.push(project);
    declare(project.project);
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

/** The example with what tells the ways apart if anything does: two key types, a lifetime, a name that Terraform would evaluate. */
function declare(project: Project): void {
  project.edit(
    "subject: { commonName: 'Example UC Root CA'",
    "key: 'ec-p256',\n  subject: { commonName: 'Example UC Root CA'",
  );
  project.edit(
    "subject: { commonName: 'Example UC Issuing CA'",
    "key: 'ec-p384',\n  subject: { commonName: 'Example UC Issuing CA'",
  );
  project.edit("clusterName: 'expc.example.com'", "clusterName: 'expc.example.com',\n  key: 'ec-p256'");
  project.edit(
    "clusterName: 'expe.example.com'",
    `clusterName: 'expe.example.com',\n  lifetimeDays: 90,\n  subject: { organization: '${ORGANIZATION}' }`,
  );
}

/** The newest certificate of every demand in the PKI directory of a project. */
function certificatesIn(project: Project): Map<string, Certificate> {
  const folder = join(project.folder, 'pki/certificates');
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('cert.pem'));
  return new Map(
    paths.sort().map((path) => {
      const [block] = decodePem(project.read(join('pki/certificates', path)), path);
      return [dirname(dirname(path)), readCertificate(block!.der, path)];
    }),
  );
}

/** Everything that a certificate says but its serial number and the bytes of its keys. */
function facts(certificate: Certificate) {
  const { issuer, subject, notBefore, notAfter, extensions } = certificate;
  return {
    subject: subject.attributes.map(({ type, value }) => [type, value]),
    issuer: issuer.attributes.map(({ type, value }) => [type, value]),
    names: certificate.dnsNames,
    alternativeNames: certificate.alternativeNames,
    keyUsage: certificate.keyUsage,
    extendedKeyUsage: certificate.extendedKeyUsage,
    basicConstraints: certificate.basicConstraints,
    crlUrls: certificate.crlUrls,
    extensions: extensions.map(({ oid, critical }) => [oid, critical]),
    keyType: keyTypeOf(certificate.subjectPublicKeyInfo),
    signature: certificate.signatureAlgorithmName,
    lifetimeDays: (notAfter.getTime() - notBefore.getTime()) / (24 * 3600 * 1000),
  };
}
