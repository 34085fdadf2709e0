import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generatedOpensslConfig } from '../../src/store/openssl-config.ts';
import { parseInput } from '../../src/topology/input.ts';
import { authoritySchema } from '../../src/topology/schema.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { urlsOf } from '../../src/x509/distribution-points.ts';
import { decodeDerOrPem } from '../../src/x509/pem.ts';
import { describeWithTool, run } from '../support/tools.ts';

/** Two runs of openssl for each. */
const special = `$;\\"'\`[]{}()=,:@%&|<>!*+~^`;
const urls = [
  'http://pki.example.com/crl/',
  'http://[2001:db8::1]:8080/',
  `https://user:pass@pki.example.com/${special}/$dir/\${ENV::HOME}/`,
  'http://pki.example.com/a,URI:http:/other.example.com/',
  `http://pki.example.com/${'$a'.repeat(480)}/`,
  ...fc.sample(
    fc
      .string({ unit: fc.constantFrom(...special, ...'aZ09.-_/'), minLength: 1, maxLength: 60 })
      .map((path) => `http://pki.example.com/${path}/`),
    { numRuns: 3, seed: 20261201 },
  ),
];

describeWithTool('openssl', 'requirement 69: openssl reads the address of the lists as it is declared', (openssl) => {
  const cwd = mkdtempSync(join(tmpdir(), 'vcs-pki-config-'));
  afterAll(() => rmSync(cwd, { recursive: true }));
  const must = async (...args: string[]) => {
    const result = await run(openssl, args, { cwd });
    expect(result.code, result.stderr).toBe(0);
    return result.stdout;
  };

  beforeAll(async () => {
    for (const folder of ['private', 'newcerts']) mkdirSync(join(cwd, folder));
    writeFileSync(join(cwd, 'index.txt'), '');
    writeFileSync(join(cwd, 'serial'), '01\n');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await must('req', '-x509', ...key, '-subj', '/CN=UC CA', '-keyout', 'private/cakey.pem', '-out', 'cacert.pem');
    await must('req', '-new', ...key, '-subj', '/CN=a.example.com', '-keyout', 'a.key', '-out', 'a.csr');
  });

  it.each(urls)('%s', async (baseUrl) => {
    const given = { id: 'uc-ca', subject: { commonName: 'UC CA' }, crl: { baseUrl } };
    writeFileSync(join(cwd, 'openssl.cnf'), generatedOpensslConfig(parseInput(authoritySchema, given, 'authority'), 1));
    await must('ca', '-config', 'openssl.cnf', '-batch', '-notext', '-in', 'a.csr', '-out', 'a.pem');
    const url = `${baseUrl}uc-ca.crl`;
    const [der] = decodeDerOrPem(readFileSync(join(cwd, 'a.pem')), 'CERTIFICATE', 'a.pem');
    expect(urlsOf(readCertificate(der!, 'a.pem').distributionPoints)).toEqual([url]);
    const printed = await must('x509', '-in', 'a.pem', '-noout', '-ext', 'crlDistributionPoints');
    expect(printed.match(/URI:(.*)/)?.[1]).toBe(url);
  });
});
