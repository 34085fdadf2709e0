import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../../src/errors.ts';
import { PathFinder, type PathOptions } from '../../src/verify/path/find-path.ts';
import { type PathCertificate, pathCertificate, pathCrl } from '../../src/verify/path/path-certificate.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { seeded } from '../support/random.ts';

/**
 * Cases of path validation that others have made: every *.json in the folder PATH_CASES, else NIST PKITS beside this
 * file. `args` are policy inputs in the form of `openssl verify`; every certificate of the path needs a current CRL.
 */
interface CaseFile {
  /** Base64 of the DER of the trust anchor. */
  readonly root: string;
  /** The moment of validation, ISO 8601. */
  readonly at?: string;
  readonly cases: readonly PathCase[];
}

interface PathCase {
  readonly num: string;
  readonly title: string;
  readonly args: string;
  readonly valid: boolean;
  /** PEM; null where the suite could not write it as such. */
  readonly ee: string | null;
  readonly certs: readonly string[];
  readonly crls: readonly string[];
}

const foreignFolder = process.env.PATH_CASES;
const folder = foreignFolder ?? join(import.meta.dirname, 'path-cases');
/** PKITS is valid until 2030. Cases made elsewhere are of today unless they say otherwise. */
const defaultMoment = foreignFolder ? new Date() : new Date('2026-11-21T12:00:00Z');

describe.each(readdirSync(folder).filter((name) => name.endsWith('.json')))('path validation: %s', (name) => {
  const file: CaseFile = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const at = file.at ? new Date(file.at) : defaultMoment;
  const anchor = pathCertificate(readCertificate(Buffer.from(file.root, 'base64'), `${name}: root`));
  const applicable = file.cases.filter(({ ee }) => ee !== null);
  const notApplicable = file.cases.filter(({ ee }) => ee === null);

  it('reaches every verdict', () => {
    const wrong = applicable.flatMap((pathCase) => {
      const found = verdictOf(pathCase, anchor, at);
      return (found === 'valid') === pathCase.valid ? [] : [`${pathCase.num} ${pathCase.title}: ${found}`];
    });
    const skipped = notApplicable.map(({ num, title }) => `${num} (${title})`).join(', ');
    process.stdout.write(
      `${name}: ${applicable.length - wrong.length} of ${applicable.length} verdicts right` +
        `${skipped ? `; not applicable, the end entity is not in the file: ${skipped}` : ''}\n`,
    );
    expect(wrong).toEqual([]);
    expect(applicable.length).toBeGreaterThan(0);
  });

  it('whatever is changed in them, there is a verdict or a VcsPkiError', () => {
    const below = seeded(1);
    const changed = (pem: string) => {
      const der = derOf(pem);
      for (let changes = 1 + below(3); changes > 0; changes--) der[below(der.length)] = below(256);
      return der;
    };
    // Every signature is taken for good, so that what was changed comes before the checks behind it.
    const signed = { isSignedBy: () => true };
    for (let round = 0; round < 10; round++)
      for (const { ee, certs, crls, args } of applicable) {
        const certificates = [ee ?? '', ...certs].flatMap((pem) =>
          readable(() => ({ ...pathCertificate(readCertificate(changed(pem), 'certificate')), ...signed })),
        );
        const lists = crls.flatMap((pem) => readable(() => ({ ...pathCrl(readCrl(changed(pem), 'CRL')), ...signed })));
        const finder = new PathFinder({ anchors: [anchor], intermediates: certificates, crls: lists });
        for (const target of certificates) finder.find(target, { at, revocation: 'all', ...policyOptions(args) });
      }
  });
});

/** "valid", or why not. */
function verdictOf({ ee, certs, crls, args }: PathCase, anchor: PathCertificate, at: Date): string {
  const options = { at, revocation: 'all' as const, ...policyOptions(args) };
  try {
    const target = pathCertificate(readCertificate(derOf(ee ?? ''), 'end entity'));
    const finder = new PathFinder({
      anchors: [anchor],
      intermediates: certs.flatMap((pem) =>
        readable(() => pathCertificate(readCertificate(derOf(pem), 'certificate'))),
      ),
      crls: crls.flatMap((pem) => readable(() => pathCrl(readCrl(derOf(pem), 'CRL')))),
    });
    const verdict = finder.find(target, options);
    return verdict.valid ? 'valid' : verdict.failure.code;
  } catch (error) {
    if (error instanceof VcsPkiError) return error.code;
    throw error;
  }
}

/** What cannot be read cannot help to find a path. */
function readable<T>(read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof VcsPkiError) return [];
    throw error;
  }
}

function policyOptions(args: string): Partial<PathOptions> {
  const words = args.split(' ').filter((word) => word !== '');
  const initialPolicies = words.flatMap((word, index) =>
    words[index - 1] === '-policy' ? [word === 'anyPolicy' ? '2.5.29.32.0' : word] : [],
  );
  const unknown = words.find((word, index) => !flags.includes(word) && words[index - 1] !== '-policy');
  if (unknown !== undefined) throw new Error(`the runner does not know the argument ${unknown}`);
  return {
    ...(initialPolicies.length > 0 && { initialPolicies }),
    explicitPolicy: words.includes('-explicit_policy'),
    inhibitPolicyMapping: words.includes('-inhibit_map'),
    inhibitAnyPolicy: words.includes('-inhibit_any'),
  };
}

const flags = ['-policy', '-explicit_policy', '-inhibit_map', '-inhibit_any', '-policy_check', '-crl_check_all'];

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}
