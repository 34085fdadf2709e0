import 'reflect-metadata';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { Secret } from '../../src/secret.ts';
import { demands } from '../../src/topology/demands.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { parsePrivateKey } from '../../src/x509/keys.ts';
import { decodeDerOrPem, decodePem } from '../../src/x509/pem.ts';
import { describeWithTool, run } from '../support/tools.ts';
import { exampleTopology } from '../support/topologies.ts';

const PASSWORD = 'correct horse';
const REVOKED = 'edge/expe2/server';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

const topology = parseTopology(exampleTopology, 'the example');
const authorities = topology.authorities.map(({ id }) => id);
const peers = demands(topology).map(({ id, cluster, peers: [peer = ''], names }) => ({ id, cluster, peer, names }));

/** What `vcs-pki apply` makes of the example, with one certificate revoked and replaced, before other judges. */
describe('examples/collaboration-edge', () => {
  let folder: string;
  const pki = (...path: string[]) => join(folder, 'pki', ...path);
  const bundle = ({ cluster, peer }: { cluster: string; peer: string }, file: string) =>
    pki('bundles', topology.name, cluster, peer, file);
  const authorityFile = (id: string) => pki('authorities', id, 'cacert.pem');
  const issuerOf = (id: string) => topology.authorities.find((authority) => authority.id === id)?.issuer ?? id;
  /** The certificate that was revoked, of generation 1. */
  const revokedFile = () => pki('certificates', ...REVOKED.split('/'), '1', 'cert.pem');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vcs-pki-example-'));
    await writeFile(join(folder, 'topology.json'), JSON.stringify(exampleTopology));
    await writeFile(join(folder, 'password'), `${PASSWORD}\n`);
    const printed: string[] = [];
    const silent = { cwd: folder, out: (text: string) => void printed.push(text), progress: () => {} };
    const vcsPki = async (...args: string[]) => expect(await main(args, silent), printed.join('')).toBe(0);
    await vcsPki('apply', 'topology.json', '--pkcs12-password-file', join(folder, 'password'));
    await vcsPki('revoke', REVOKED, 'topology.json', '--reason', 'keyCompromise');
    await vcsPki('apply', 'topology.json', '--pkcs12-password-file', join(folder, 'password'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is what the program in examples declares', async () => {
    const output = join(folder, 'cdktf.out');
    const tsx = resolve('node_modules', '.bin', 'tsx');
    const program = resolve('examples', 'collaboration-edge', 'main.ts');
    const synth = await run(tsx, [program], { cwd: folder, env: { CDKTF_OUTDIR: output } });
    expect(synth).toMatchObject({ code: 0 });
    const written = await readFile(join(output, 'stacks', topology.name, 'topology.json'), 'utf8');
    expect({ ...parseTopology(JSON.parse(written), 'the program'), storage: undefined }).toEqual({
      ...topology,
      storage: undefined,
    });
  });

  describeWithTool('openssl', 'openssl', (openssl) => {
    const ask = (...args: string[]) => run(openssl, args);
    const verify = (certificate: string, trusted: string, lists: readonly string[], ...more: string[]) =>
      ask(
        ...['verify', '-x509_strict', '-check_ss_sig', '-crl_check_all', '-no-CApath', '-no-CAstore', ...more],
        ...['-CAfile', trusted, ...lists.flatMap((list) => ['-CRLfile', list]), certificate],
      );
    const published = () => authorities.map((id) => pki('published', `${id}.crl.pem`));

    it.each(peers)(
      'accepts the certificate of $id for both purposes and each name, by what its bundle has',
      async (peer) => {
        for (const purpose of ['sslserver', 'sslclient']) {
          for (const name of peer.names) {
            const more = ['-purpose', purpose, '-verify_hostname', name];
            const result = await verify(
              bundle(peer, 'server.pem'),
              bundle(peer, 'ca.pem'),
              [bundle(peer, 'crl.pem')],
              ...more,
            );
            expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/: OK\n$/) });
          }
        }
      },
    );

    it.each(authorities)('accepts the certificate of authority %s', async (id) => {
      expect(await verify(authorityFile(id), authorityFile('root-ca'), published())).toMatchObject({ code: 0 });
    });

    it('refuses the certificate that was revoked', async () => {
      const [peer] = peers;
      if (!peer) throw new Error('the example has no peer');
      const { code, stderr } = await verify(revokedFile(), bundle(peer, 'ca.pem'), published());
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('certificate revoked') });
    });

    it.each(authorities)('verifies both forms of the list of %s', async (id) => {
      for (const form of ['PEM', 'DER']) {
        const list = pki('published', form === 'PEM' ? `${id}.crl.pem` : `${id}.crl`);
        const result = await ask('crl', '-in', list, '-inform', form, '-CAfile', authorityFile(id), '-noout');
        expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('verify OK') });
      }
    });

    it.each(peers)('opens the PKCS #12 file of $id: the key, certificate and chain of the bundle', async (peer) => {
      const open = ['pkcs12', '-in', bundle(peer, 'server.p12'), '-noenc', '-passin'];
      const { code, stdout } = await ask(...open, `pass:${PASSWORD}`);
      expect(code).toBe(0);
      const certificates = stdout.slice(0, stdout.indexOf('Key Attributes'));
      expect(decodeDerOrPem(Buffer.from(certificates), 'CERTIFICATE', 'x')).toEqual([
        ...(await certificatesIn(bundle(peer, 'server.pem'))),
        ...(await certificatesIn(authorityFile('issuing-ca'))),
      ]);
      const key = parsePrivateKey(new Secret(await readFile(bundle(peer, 'privatekey.pem'), 'utf8')), { at: 'x' });
      expect(parsePrivateKey(new Secret(stdout), { at: 'x' }).equals(key)).toBe(true);
      expect((await ask(...open, 'pass:wrong')).code).not.toBe(0);
    });
  });

  describeWithTool('certtool', 'certtool', (certtool) => {
    const ask = (...args: string[]) => run(certtool, args);
    const verify = (certificate: string, trusted: string, lists: string, ...more: string[]) =>
      ask(...['--verify', '--load-ca-certificate', trusted, '--load-crl', lists, '--infile', certificate, ...more]);
    const verified = (peer: { cluster: string; peer: string }, certificate: string, ...more: string[]) =>
      verify(certificate, bundle(peer, 'ca.pem'), bundle(peer, 'crl.pem'), ...more);

    it.each(peers)(
      'accepts the certificate of $id for both purposes and each name, by what its bundle has',
      async (peer) => {
        for (const purpose of [SERVER_AUTH, CLIENT_AUTH]) {
          for (const name of peer.names) {
            const more = ['--verify-purpose', purpose, '--verify-hostname', name];
            const { code, stdout } = await verified(peer, bundle(peer, 'server.pem'), ...more);
            expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('is trusted') });
          }
        }
      },
    );

    it.each(authorities)('accepts the certificate of authority %s', async (id) => {
      const list = pki('published', `${issuerOf(id)}.crl.pem`);
      expect(await verify(authorityFile(id), authorityFile('root-ca'), list)).toMatchObject({ code: 0 });
    });

    it('refuses the certificate that was revoked', async () => {
      const [peer] = peers;
      if (!peer) throw new Error('the example has no peer');
      const { code, stdout } = await verified(peer, revokedFile());
      expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining('revoked') });
    });

    it.each(authorities)('verifies the list of %s and reads its other form', async (id) => {
      const list = pki('published', `${id}.crl`);
      const check = ['--verify-crl', '--load-ca-certificate', authorityFile(id), '--infile', `${list}.pem`];
      expect(await ask(...check)).toMatchObject({ code: 0, stdout: expect.stringContaining('Verified.') });
      const { code, stdout } = await ask('--crl-info', '--inder', '--infile', list);
      expect(code).toBe(0);
      const [shown] = decodePem(stdout.slice(stdout.indexOf('-----BEGIN')), 'x');
      expect(shown?.der).toEqual(await readFile(list));
    });

    it.each(peers)('opens the PKCS #12 file of $id', async (peer) => {
      const open = ['--p12-info', '--inder', '--infile', bundle(peer, 'server.p12'), '--password'];
      const { code, stdout } = await ask(...open, PASSWORD);
      expect(code).toBe(0);
      const certificates = decodePem(stdout, 'x').filter(({ label }) => label === 'CERTIFICATE');
      expect(certificates.map(({ der }) => der)).toEqual([
        ...(await certificatesIn(bundle(peer, 'server.pem'))),
        ...(await certificatesIn(authorityFile('issuing-ca'))),
      ]);
      expect((await ask(...open, 'wrong')).code).not.toBe(0);
    });
  });

  describe('@peculiar/x509', () => {
    const bytes = (value: ArrayBuffer | undefined) => Buffer.from(value ?? new ArrayBuffer(0));

    it.each([
      ...authorities.map((id) => ({ id, file: () => authorityFile(id) })),
      ...peers.map((peer) => ({ ...peer, file: () => bundle(peer, 'server.pem') })),
    ])('reads the certificate of $id with equal fields', async ({ file }) => {
      const [der = Buffer.alloc(0)] = await certificatesIn(file());
      const ours = readCertificate(der, 'x');
      const theirs = new x509.X509Certificate(der);
      expect(BigInt(`0x${theirs.serialNumber}`)).toBe(ours.serialNumber);
      expect(bytes(theirs.subjectName.toArrayBuffer())).toEqual(ours.subject.der);
      expect(bytes(theirs.issuerName.toArrayBuffer())).toEqual(ours.issuer.der);
      expect([theirs.notBefore, theirs.notAfter]).toEqual([ours.notBefore, ours.notAfter]);
      expect(bytes(theirs.publicKey.rawData)).toEqual(ours.subjectPublicKeyInfo);
      const extensions = theirs.extensions.map(({ type, critical, value }) => ({
        oid: type,
        critical,
        value: bytes(value),
      }));
      expect(extensions).toEqual(ours.extensions);
      const names = theirs.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
      expect(names.map(({ type, value }) => `${type}:${value}`)).toEqual(ours.dnsNames.map((name) => `dns:${name}`));
      expect(theirs.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(ours.basicConstraints?.authority);
    });

    it.each(peers)(
      'reads of $id the names, usages and distribution point that are declared',
      async ({ names, ...peer }) => {
        const [der = Buffer.alloc(0)] = await certificatesIn(bundle(peer, 'server.pem'));
        const theirs = new x509.X509Certificate(der);
        const alternativeNames = theirs.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
        expect(alternativeNames.map(({ value }) => value)).toEqual(names);
        expect(theirs.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([SERVER_AUTH, CLIENT_AUTH]);
        const [point] = theirs.getExtension(x509.CRLDistributionPointsExtension)?.distributionPoints ?? [];
        expect(point?.distributionPoint?.fullName?.map((name) => name.uniformResourceIdentifier)).toEqual([
          'http://pki.example.com/crl/issuing-ca.crl',
        ]);
      },
    );

    it.each(authorities)('reads the list of %s with equal fields', async (id) => {
      const der = await readFile(pki('published', `${id}.crl`));
      const ours = readCrl(der, 'x');
      const theirs = new x509.X509Crl(der);
      expect([theirs.thisUpdate, theirs.nextUpdate]).toEqual([ours.thisUpdate, ours.nextUpdate]);
      expect(bytes(theirs.issuerName.toArrayBuffer())).toEqual(ours.issuer.der);
      const entries = theirs.entries.map(({ serialNumber, revocationDate, reason }) => ({
        serialNumber: BigInt(`0x${serialNumber}`),
        revokedAt: revocationDate,
        reason: reason === undefined ? undefined : x509.X509CrlReason[reason],
      }));
      expect(entries).toEqual([...ours.entries()]);
      expect(entries).toHaveLength(id === 'issuing-ca' ? 1 : 0);
    });
  });

  it('publishes one list of each authority in two forms, and nothing else', async () => {
    expect((await readdir(pki('published'))).sort()).toEqual(
      authorities.flatMap((id) => [`${id}.crl`, `${id}.crl.pem`]).sort(),
    );
  });

  async function certificatesIn(file: string): Promise<Buffer[]> {
    return decodeDerOrPem(await readFile(file), 'CERTIFICATE', file);
  }
});
