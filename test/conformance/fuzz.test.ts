import { checkPrimeSync, createPrivateKey, type KeyObject } from 'node:crypto';
import { expect, it } from 'vitest';
import { VcsPkiError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { parseApplianceLog } from '../../src/verify/diagnosis/appliance-log.ts';
import { examine } from '../../src/verify/diagnosis/examine.ts';
import { encodeSigned, encodeTbsCertificate } from '../../src/x509/certificate.ts';
import { readContents } from '../../src/x509/contents.ts';
import { encodeTbsCrl } from '../../src/x509/crl.ts';
import { contextTag, encodeDer, integer, octetString, oid, sequence, Tag } from '../../src/x509/der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  subjectAlternativeName,
  subjectKeyIdentifier,
} from '../../src/x509/extensions.ts';
import { keyIdentifier, parsePrivateKey, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { encodeName } from '../../src/x509/name.ts';
import { orderedChain } from '../../src/x509/ordered-chain.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { createRequest } from '../../src/x509/request.ts';
import { signatureAlgorithmFor, signBytes } from '../../src/x509/signature.ts';
import {
  sampleBerPfx,
  sampleCertificateBag,
  sampleCrlBag,
  sampleEncryptedKey,
  sampleEncryptedSafe,
  sampleKeyBag,
  samplePfx,
  sampleSafe,
  sampleShroudedKeyBag,
} from '../../src/x509/testing/sample-pkcs12.ts';
import { certificateText, crlText, requestText } from '../../src/x509/text.ts';
import { mutate, pick, type Random, randomOf } from '../support/mutate.ts';

/**
 * Whatever bytes a reader gets, it gives a value or a VcsPkiError, within a second of CPU and without growing.
 * FUZZ_CASES says how many inputs to try, FUZZ_SEED with which to begin: the seed of a failure with one case repeats it.
 */

interface Target {
  readonly name: string;
  readonly inputs: readonly Buffer[];
  readonly read: (bytes: Buffer) => unknown;
}

const cases = Number(process.env.FUZZ_CASES ?? 5000);
const firstSeed = Number(process.env.FUZZ_SEED ?? 1);
const now = new Date('2026-11-21T12:00:00Z');
const MAX_CPU_MICROSECONDS = 1_000_000;
const MAX_GROWTH_BYTES = 200 * 1024 * 1024;

it(`${cases} mutated inputs end in a value or a typed error`, { timeout: 3_600_000 }, async () => {
  const targets = await makeTargets();
  for (const { inputs, read } of targets) for (const input of inputs) await outcomeOf(read, input);
  const startBytes = process.memoryUsage().rss;
  const counts = { values: 0, errors: 0 };
  let slowest = 0;
  let growth = 0;
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
    const random = randomOf(seed);
    const { name, inputs, read } = pick(targets, random);
    const input = mutate(pick(inputs, random), inputs, random);
    const before = process.cpuUsage();
    const error = await outcomeOf(read, input);
    const { user, system } = process.cpuUsage(before);
    slowest = Math.max(slowest, user + system);
    counts[error === undefined ? 'values' : 'errors'] += 1;
    const fault =
      faultOf(error) ?? (user + system > MAX_CPU_MICROSECONDS ? `takes ${user + system} microseconds` : undefined);
    if (fault !== undefined)
      expect.fail(`${name}, ${input.length} bytes: ${fault}; to repeat: FUZZ_SEED=${seed} FUZZ_CASES=1`);
    if (seed % 100 === 0) growth = Math.max(growth, process.memoryUsage().rss - startBytes);
  }
  process.stderr.write(
    `fuzz: ${counts.values} values, ${counts.errors} errors, slowest ${Math.round(slowest / 1000)} ms, ` +
      `growth ${Math.round(growth / 1_048_576)} MiB\n`,
  );
  expect(counts.values + counts.errors).toBe(cases);
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
});

async function outcomeOf(read: Target['read'], input: Buffer): Promise<unknown> {
  try {
    await read(input);
    return undefined;
  } catch (error) {
    return error ?? new Error('nothing was thrown');
  }
}

/** Undefined when the error is one that people can act on. */
function faultOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof VcsPkiError)) return `throws ${error instanceof Error ? error.stack : error}`;
  return error.at && error.message && error.fix ? undefined : `${error.code} lacks its place, message or fix`;
}

// ---- what is tried -------------------------------------------------------------------------------------------------

/** Everything here is the same in every run: signatures of RSA, salts and keys that follow from a number. */
async function makeTargets(): Promise<Target[]> {
  const password = new Secret('correct horse');
  const inputs = await makeInputs(password.reveal());
  const check = async (bytes: Buffer, options: { password?: Secret<string> }) => {
    const contents = await readContents(bytes, 'input', options);
    orderedChain(contents.items);
    for (const item of contents.items) {
      if (item.kind === 'unreadable') expect(faultOf(item.error)).toBeUndefined();
      if (item.kind === 'certificate') certificateText(item.certificate, item);
      if (item.kind === 'crl') crlText(item.crl);
      if (item.kind === 'request') requestText(item.request);
    }
    examine({ artefacts: [{ path: 'input', kind: 'file', contents }], now });
  };
  const readLog = (bytes: Buffer) => {
    const events = parseApplianceLog(bytes.toString());
    examine({ artefacts: [{ path: 'eventlog.txt', kind: 'log', events }], now });
  };
  const parse = (bytes: Buffer) => parsePrivateKey(new Secret(bytes.toString()), { at: 'input', passphrase: password });
  return [
    { name: 'readContents', inputs, read: (bytes) => check(bytes, {}) },
    { name: 'readContents with a password', inputs, read: (bytes) => check(bytes, { password }) },
    { name: 'parseApplianceLog', inputs: [...logs, ...inputs], read: readLog },
    { name: 'parsePrivateKey', inputs: inputs.filter((input) => input.includes('PRIVATE KEY')), read: parse },
  ];
}

const logs = [
  '2026-11-21T11:58:03 expe1 tvcs: Event="Inbound TLS Negotiation Error" Service="SIP" Src-ip="10.0.0.11" Src-port="25013" Dst-port="7001" Detail="self signed certificate in certificate chain" Protocol="TLS"\n',
  'tvcs: Event="Outbound TLS Negotiation Error" Detail="Peer\'s TLS certificate identity was unacceptable" Common-name="expc.exmaple.com"\n',
  '{"Message":"Conflict"}\nUntrusted CA Certificate Chain\nfailed to update database\nTXT_DB error number 2\n',
].map((text) => Buffer.from(text));

async function makeInputs(password: string): Promise<Buffer[]> {
  const key = fixedRsaKey(randomOf(0));
  const spki = subjectPublicKeyInfo(key);
  const algorithm = signatureAlgorithmFor(spki);
  const name = encodeName({ country: 'NO', commonName: 'Example CA' });
  const signed = (tbs: Buffer) => encodeSigned(tbs, algorithm, signBytes(key, tbs));
  const certificate = (serialNumber: bigint, extensions: Parameters<typeof encodeTbsCertificate>[0]['extensions']) =>
    signed(
      encodeTbsCertificate(
        {
          serialNumber,
          issuer: name,
          subject: serialNumber === 1n ? name : encodeName({ commonName: 'expe1.example.com' }),
          notBefore: new Date('2026-01-01T00:00:00Z'),
          notAfter: new Date('2027-01-01T00:00:00Z'),
          subjectPublicKeyInfo: spki,
          extensions,
        },
        algorithm,
      ),
    );
  const root = certificate(1n, [basicConstraints({ authority: true }), subjectKeyIdentifier(keyIdentifier(spki))]);
  const leaf = certificate(2n ** 100n, [
    extendedKeyUsage(['serverAuth', 'clientAuth']),
    subjectAlternativeName(['expe1.example.com', 'expe.example.com']),
    authorityKeyIdentifier(keyIdentifier(spki)),
  ]);
  const crl = signed(
    encodeTbsCrl(
      {
        issuer: name,
        thisUpdate: new Date('2026-01-01T00:00:00Z'),
        nextUpdate: new Date('2026-01-08T00:00:00Z'),
        crlNumber: 7n,
        authorityKeyIdentifier: keyIdentifier(spki),
        entries: Array.from({ length: 40 }, (_, index) => ({
          serialNumber: 2n ** 120n + BigInt(index),
          revokedAt: new Date('2026-01-01T00:00:00Z'),
          reason: 'superseded' as const,
        })),
      },
      algorithm,
    ),
  );
  const request = await createRequest(key, {
    subject: { commonName: 'expe1.example.com' },
    dnsNames: ['expe1.example.com'],
    purposes: ['serverAuth'],
  });
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const pkcs1 = key.export({ type: 'pkcs1', format: 'der' });
  // RFC 5915: version, scalar, curve P-256.
  const sec1 = sequence(
    integer(1),
    octetString(Buffer.alloc(32, 0x11)),
    encodeDer(contextTag(0, 'constructed'), oid('1.2.840.10045.3.1.7')),
  );
  const encrypted = sampleEncryptedKey(pkcs8, password);
  const names = { friendlyName: 'vcs-certificate', localKeyId: Buffer.of(1, 0, 0, 0) };
  const safes = [
    sampleEncryptedSafe(password, sampleCertificateBag(leaf, names), sampleCertificateBag(root), sampleCrlBag(crl)),
    sampleSafe(sampleShroudedKeyBag(pkcs8, password, names)),
  ];
  const openSafes = [sampleSafe(sampleCertificateBag(leaf, names), sampleCrlBag(crl), sampleKeyBag(pkcs8, names))];
  const pkcs7 = sequence(
    oid('1.2.840.113549.1.7.2'),
    encodeDer(
      contextTag(0, 'constructed'),
      sequence(
        ...[integer(1), encodeDer(Tag.set), sequence(oid('1.2.840.113549.1.7.1'))],
        ...[encodeDer(contextTag(0, 'constructed'), leaf, root), encodeDer(contextTag(1, 'constructed'), crl)],
        encodeDer(Tag.set),
      ),
    ),
  );
  const traditional = encodePem('RSA PRIVATE KEY', Buffer.alloc(320, 5)).replace(
    '\n',
    '\nProc-Type: 4, ENCRYPTED\nDEK-Info: DES-EDE3-CBC, CAD24BC3A702A939\n\n',
  );
  const bag = 'Bag Attributes\n    localKeyID: 01 00 00 00 \n    friendlyName: vcs-certificate\nsubject=CN = a\n';
  const texts = [
    encodePem('CERTIFICATE', leaf),
    encodePem('CERTIFICATE REQUEST', request),
    encodePem('X509 CRL', crl),
    encodePem('PKCS7', pkcs7),
    encodePem('PRIVATE KEY', pkcs8),
    encodePem('RSA PRIVATE KEY', pkcs1),
    encodePem('ENCRYPTED PRIVATE KEY', encrypted),
    traditional,
    `${bag}${traditional}${bag}${encodePem('CERTIFICATE', leaf)}${encodePem('CERTIFICATE', root)}`,
    `${encodePem('EC PARAMETERS', oid('1.2.840.10045.3.1.7'))}${encodePem('EC PRIVATE KEY', sec1)}`,
    leaf.toString('base64'),
    '',
    '<html><body>Sign in</body></html>\n',
    'tvcs: Event="Inbound TLS Negotiation Error" Service="SIP" Detail="unknown ca"\n'.repeat(20),
  ];
  return [
    ...[leaf, root, crl, request, pkcs7, pkcs8, pkcs1, sec1, encrypted],
    ...[samplePfx(safes, password), samplePfx(safes), samplePfx(openSafes), sampleBerPfx(safes, password)],
    ...texts.map((text) => Buffer.from(text)),
    Buffer.from(`\uFEFF${encodePem('CERTIFICATE REQUEST', request)}`, 'utf16le'),
  ];
}

/** An RSA key of 1024 bits that follows from the numbers. */
function fixedRsaKey(random: Random): KeyObject {
  const [p, q] = [fixedPrime(random), fixedPrime(random)];
  const d = inverse(65_537n, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e: 65_537n, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const asJwk = Object.entries(numbers).map(([name, value]) => {
    const hex = value.toString(16);
    return [name, Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')];
  });
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(asJwk) }, format: 'jwk' });
}

function fixedPrime(random: Random): bigint {
  const digits = Array.from({ length: 126 }, () => random(16).toString(16)).join('');
  let prime = BigInt(`0xc${digits}1`);
  while (!checkPrimeSync(prime) || prime % 65_537n === 1n) prime += 2n;
  return prime;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (a !== 0n) {
    const quotient = b / a;
    [a, b, x, y] = [b % a, a, y - quotient * x, x];
  }
  return ((y % modulus) + modulus) % modulus;
}
