import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PathFinder } from '../../src/verify/path/find-path.ts';
import { pathCertificate, pathCrl } from '../../src/verify/path/path-certificate.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { encodeDer, oid, sequence, Tag } from '../../src/x509/der.ts';
import { basicConstraints, keyUsage } from '../../src/x509/extensions.ts';
import { encodeName } from '../../src/x509/name.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { alternativeNames, nameConstraints } from '../../src/x509/testing/extensions.ts';
import {
  type CertificateInput,
  certify,
  crl,
  type Entity,
  keys,
  now,
  type Pki,
  randomPki,
} from '../support/random-pki.ts';
import { describeWithTool, run } from '../support/tools.ts';

/**
 * Random PKIs judged by us and by `openssl verify`. OpenSSL follows one path and no other, so the two may differ where
 * several are possible, and the comparison goes both ways round:
 *   - what we refuse, OpenSSL refuses with all that we had;
 *   - what we accept, OpenSSL accepts with the certificates of our path alone.
 * -x509_strict because OpenSSL otherwise takes issuers without basic constraints, against RFC 5280 6.1.4 (k).
 */
const count = 600;
const flags = ['-x509_strict', '-crl_check_all', '-extended_crl', '-use_deltas', '-policy_check'];

// ---- where we differ on purpose ------------------------------------------------------------------------------------

const entity = (commonName: string, index: number): Entity => {
  const key = keys[index];
  if (!key) throw new Error('there are ten keys');
  return { name: encodeName({ commonName }), key };
};
const root = entity('Root', 0);
const issuing = entity('Issuing', 1);
const peer = entity('peer.other.test', 2);

const isAuthority = [basicConstraints({ authority: true }), keyUsage(['keyCertSign', 'cRLSign'])];
const isPeer = [basicConstraints({ authority: false }), keyUsage(['digitalSignature'])];

function small(
  change: {
    readonly intermediates?: readonly Partial<CertificateInput>[];
    readonly target?: Partial<CertificateInput>;
    readonly crls?: readonly Buffer[];
  } = {},
): Pki {
  const { intermediates = [{}], target = {}, crls = [crl(root, {}), crl(issuing, {})] } = change;
  return {
    anchors: [certify({ serial: 1n, subject: root, issuer: root, extensions: isAuthority })],
    intermediates: intermediates.map((content) =>
      certify({ serial: 2n, subject: issuing, issuer: root, extensions: isAuthority, ...content }),
    ),
    delegates: [],
    crls,
    target: certify({ serial: 3n, subject: peer, issuer: issuing, extensions: isPeer, ...target }),
    policies: {},
  };
}

const deviations: readonly { what: string; pki: Pki; ours: string; theirs: string }[] = [
  {
    what: 'a wildcard for an excluded host: OpenSSL compares letters alone',
    pki: small({
      intermediates: [{ extensions: [...isAuthority, nameConstraints({ excluded: ['DNS:expe.example.com'] })] }],
      target: { extensions: [...isPeer, alternativeNames('DNS:*.example.com')] },
    }),
    ours: 'name-constraints',
    theirs: 'valid',
  },
  {
    what: 'a list without a number (RFC 5280 5.2.3)',
    pki: small({ crls: [crl(root, {}), crl(issuing, { number: null })] }),
    ours: 'crl-unusable',
    theirs: 'valid',
  },
  {
    what: 'the last second of a certificate (RFC 5280 4.1.2.5: through)',
    pki: small({ target: { notAfter: now } }),
    ours: 'valid',
    theirs: 'certificate has expired',
  },
  {
    what: 'a revoked certificate of the issuer beside one that is not: we try both',
    pki: small({
      intermediates: [{ serial: 4n }, { serial: 2n }],
      crls: [crl(root, { entries: [{ serial: 4n }] }), crl(issuing, {})],
    }),
    ours: 'valid',
    theirs: 'certificate revoked',
  },
  {
    what: 'an issuer that has another certificate for signing lists: OpenSSL looks at the one in the path',
    pki: small({
      intermediates: [
        { extensions: [basicConstraints({ authority: true }), keyUsage(['keyCertSign'])] },
        { extensions: [basicConstraints({ authority: false }), keyUsage(['cRLSign'])] },
      ],
    }),
    ours: 'valid',
    theirs: 'key usage does not include CRL signing',
  },
];

// ---- the comparison ------------------------------------------------------------------------------------------------

describeWithTool('openssl', 'path validation beside openssl verify', (openssl) => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vcs-pki-paths-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Its complaints; none where it accepts. */
  async function askOpenssl(pki: Pki, intermediates: readonly Buffer[]): Promise<readonly string[]> {
    const file = async (name: string, label: string, ders: readonly Buffer[]) => {
      await writeFile(join(folder, name), ders.map((der) => encodePem(label, der)).join(''));
      return join(folder, name);
    };
    const { code, stderr } = await run(openssl, [
      'verify',
      ...flags,
      ...['-attime', String(now.getTime() / 1000)],
      ...['-CAfile', await file('anchors.pem', 'CERTIFICATE', pki.anchors)],
      ...(intermediates.length > 0
        ? ['-untrusted', await file('intermediates.pem', 'CERTIFICATE', intermediates)]
        : []),
      ...(pki.crls.length > 0 ? ['-CRLfile', await file('crls.pem', 'X509 CRL', pki.crls)] : []),
      ...(pki.policies.initialPolicies ?? ['2.5.29.32.0']).flatMap((policy) => ['-policy', policy]),
      ...(pki.policies.explicitPolicy ? ['-explicit_policy'] : []),
      ...(pki.policies.inhibitPolicyMapping ? ['-inhibit_map'] : []),
      ...(pki.policies.inhibitAnyPolicy ? ['-inhibit_any'] : []),
      await file('target.pem', 'CERTIFICATE', [pki.target]),
    ]);
    return code === 0 ? [] : (stderr.match(/(?<=lookup: ).*/g) ?? [stderr]);
  }

  it(`${count} random PKIs`, async () => {
    const seen = new Map<string, number>();
    const disagreements: string[] = [];
    for (let seed = 1; seed <= count; seed++) {
      const pki = randomPki(seed);
      const verdict = judge(pki);
      const outcome = verdict.valid ? 'valid' : verdict.failure.code;
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      const path = verdict.valid ? verdict.path.flatMap(({ der }) => (der ? [der] : [])) : [];
      const ours = pki.intermediates.filter((der) => path.some((other) => other.equals(der)));
      const complaints = await askOpenssl(pki, verdict.valid ? [...ours, ...pki.delegates] : pki.intermediates);
      if (verdict.valid !== (complaints.length === 0))
        disagreements.push(`seed ${seed}: we say ${outcome}, openssl ${complaints.join(', ') || 'valid'}`);
    }
    const outcomes = [...seen].sort(([, a], [, b]) => b - a).map(([outcome, times]) => `${outcome} ${times}`);
    process.stdout.write(`random PKIs: ${outcomes.join(', ')}\n`);
    expect(disagreements).toEqual([]);
    for (const outcome of ['valid', ...expectedFailures]) expect(seen.get(outcome), outcome).toBeGreaterThan(2);
  });

  it('common names under constraints of DNS names', async () => {
    const disagreements: string[] = [];
    for (const commonName of commonNames)
      for (const constraints of [{ permitted: ['DNS:example.com'] }, { excluded: ['DNS:other.test'] }]) {
        const pki = small({
          intermediates: [{ extensions: [...isAuthority, nameConstraints(constraints)] }],
          target: { subject: { ...peer, name: nameWith(commonName) } },
        });
        const verdict = judge(pki);
        const [complaint = 'valid'] = await askOpenssl(pki, pki.intermediates);
        if (verdict.valid !== (complaint === 'valid')) disagreements.push(`${commonName}: openssl says ${complaint}`);
      }
    expect(disagreements).toEqual([]);
  });

  it.each(deviations)('where the two differ: $what', async ({ pki, ours, theirs }) => {
    const verdict = judge(pki);
    expect(verdict.valid ? 'valid' : verdict.failure.code).toBe(ours);
    expect((await askOpenssl(pki, pki.intermediates))[0] ?? 'valid').toBe(theirs);
  });
});

const commonNames = [
  ...[
    'peer.other.test',
    'peer.example.com',
    'peer',
    '*.other.test',
    '_sip.other.test',
    'a_b.c',
    'a--b.other.test',
    '_._',
  ],
  ...['-a.other.test', 'a-.other.test', 'a.-b', 'a..test', '.other.test', 'other.test.', 'other.test-', '10.0.0.1'],
  ...['a b.test', 'other.test:5061', 'a@other.test', 'other.test/a', 'blå.test', 'example.com.test', 'other.test\0'],
];

/** The comparison means something only where the generator reaches them. */
const expectedFailures = [
  'issuer-not-found',
  'signature',
  'expired',
  'not-yet-valid',
  'not-an-authority',
  'key-usage',
  'path-length',
  'name-constraints',
  'unknown-critical-extension',
  'policy',
  'revoked',
  'crl-missing',
  'crl-expired',
  'crl-unusable',
];

/** `encodeName` takes no control characters. */
function nameWith(commonName: string): Buffer {
  const value = encodeDer(Tag.utf8String, Buffer.from(commonName));
  return sequence(encodeDer(Tag.set, sequence(oid('2.5.4.3'), value)));
}

function judge({ anchors, intermediates, delegates, crls, target, policies }: Pki) {
  const read = (der: Buffer) => pathCertificate(readCertificate(der, 'certificate'));
  const finder = new PathFinder({
    anchors: anchors.map(read),
    intermediates: [...intermediates, ...delegates].map(read),
    crls: crls.map((der) => pathCrl(readCrl(der, 'CRL'))),
  });
  return finder.find(read(target), { at: now, revocation: 'all', checkAnchor: true, ...policies });
}
