import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Link, PeerCheck } from '../../src/topology/links/link.ts';
import { matchName } from '../../src/verify/name-match.ts';
import { pathCertificate } from '../../src/verify/path/path-certificate.ts';
import type { Refusal } from '../../src/verify/refusal.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { basicConstraints } from '../../src/x509/extensions.ts';
import { encodeName } from '../../src/x509/name.ts';
import { certify, crl } from '../support/random-pki.ts';
import { describeWithTool, tool } from '../support/tools.ts';
import { simpler, specs } from './spec.ts';
import { type Answering, askGnutls, askNode, askOpenssl, type Question, type Verdict } from './stacks.ts';
import { buildWorld, type Fault, faults, type Spec, type World } from './world.ts';

/** 100 in `npm test`, 1,000 with `npm run test:truth`. */
const TOPOLOGIES = Number(process.env.TRUTH_TOPOLOGIES ?? 100);
const SEED = Number(process.env.TRUTH_SEED ?? 2026);
/** Questions to one stack at most, so that `npm test` stays quick. */
const MOST_QUESTIONS = TOPOLOGIES <= 100 ? 600 : Number.POSITIVE_INFINITY;

type Stack = 'Node' | 'openssl' | 'GnuTLS';

interface Case {
  readonly spec: Spec;
  readonly link: Link;
  readonly role: 'server' | 'client';
  readonly check: PeerCheck;
  readonly refusal: Refusal | undefined;
  readonly question: Question;
}

interface Deviation {
  readonly stacks: readonly Stack[];
  readonly what: string;
  /** What the stack says instead of the proof. */
  readonly says: 'accepts' | 'refuses';
  readonly applies: (one: Case, said: string) => boolean;
}

/** Where TLS stacks are known to differ from appliances, or from each other. */
const deviations: readonly Deviation[] = [
  {
    stacks: ['Node', 'openssl', 'GnuTLS'],
    what: 'the common name does not count beside alternative names (requirement 61 counts it)',
    says: 'refuses',
    applies: ({ refusal, check, question }) =>
      !refusal && check.nameMatching.join() === 'cn-or-san' && !byName(check, question, 'san-only'),
  },
  {
    stacks: ['Node', 'openssl', 'GnuTLS'],
    what: 'without alternative names the common name counts (from X14.0 it does not)',
    says: 'accepts',
    applies: ({ spec, refusal, check, question }) =>
      spec.fault === 'no alternative names' && refusal?.step === 'name' && byName(check, question, 'cn-or-san'),
  },
  {
    stacks: ['Node', 'openssl', 'GnuTLS'],
    what: 'a wildcard covers the names below it (requirement 15)',
    says: 'accepts',
    applies: ({ spec, refusal }) => spec.fault === 'a wildcard name' && refusal?.step === 'name',
  },
  {
    stacks: ['Node', 'openssl', 'GnuTLS'],
    what: 'the extended key usage always counts (appliances have releases and settings that do not look)',
    says: 'refuses',
    applies: ({ check, spec, refusal }) => !refusal && !check.usage && /servers only|clients only/.test(spec.fault),
  },
  {
    stacks: ['Node', 'openssl'],
    what: 'OpenSSL follows one path: of two certificates of an authority on the list it takes one, and may take the cross-certificate (D23)',
    says: 'refuses',
    applies: ({ spec, refusal }) => !refusal && spec.fault === 'root certified by another root too',
  },
  {
    stacks: ['Node', 'openssl'],
    what: 'an authority without basic constraints passes if its key usage lets it sign certificates (RFC 5280 4.2.1.9, D32)',
    says: 'accepts',
    applies: ({ refusal }) => refusal?.diagnosis === 'D32',
  },
  {
    stacks: ['GnuTLS'],
    what: 'an authority without a revocation list is accepted (requirement 52)',
    says: 'accepts',
    applies: ({ refusal }) => refusal?.diagnosis === 'D16',
  },
  {
    stacks: ['GnuTLS'],
    what: 'it does not begin with a list that it can not verify or whose time is over, though the link does not need it',
    says: 'refuses',
    applies: ({ refusal }, said) => !refusal && said.includes('Error in the CRL verification'),
  },
  {
    stacks: ['GnuTLS'],
    what: 'certtool goes by a list after its time is over (requirement 59)',
    says: 'accepts',
    applies: ({ refusal, role }) => refusal?.diagnosis === 'D15' && role === 'client',
  },
  {
    stacks: ['GnuTLS'],
    what: 'every certificate of the CA file is a trust anchor and taken as it is, intermediates too (requirement 42)',
    says: 'accepts',
    applies: ({ spec, refusal }) => refusal !== undefined && faultsOfAuthorities.has(spec.fault),
  },
  {
    stacks: ['GnuTLS'],
    what: "certtool compares no names of a client's certificate",
    says: 'accepts',
    applies: ({ refusal, role }) => refusal?.step === 'name' && role === 'client',
  },
];

const faultsOfAuthorities: ReadonlySet<Fault> = new Set([
  'root missing from the list',
  'authority without basic constraints',
  'expired intermediate',
  'revoked intermediate',
  'too many authorities below the root',
  'a name that the authority may not issue for',
  'intermediate for servers only',
]);

function byName(check: PeerCheck, { presented }: Question, mode: 'san-only' | 'cn-or-san'): boolean {
  const { subject, alternativeNames } = pathCertificate(readCertificate(presented.certificate, 'truth'));
  const names = { commonName: subject.commonName, alternativeNames };
  if (check.referenceNames.length === 0) return true;
  return check.referenceNames.some((name) => matchName(names, name, mode) !== undefined);
}

/** The questions that a world asks, each once. */
function casesOf(spec: Spec, world: World): Case[] {
  const cases = new Map<string, Case>();
  for (const { link, examinations } of world.verdicts) {
    for (const role of ['server', 'client'] as const) {
      const presenter = link[role];
      const verifier = role === 'server' ? link.client : link.server;
      const { check } = verifier;
      const presented = world.material.get(presenter.presents ?? '');
      if (!check || !presented) continue;
      const examination = examinations.find(({ by, of }) => by === verifier.name && of === presenter.name);
      const question: Question = {
        role,
        presented,
        own: world.trustLists.get(presenter.holder) ?? [],
        trusted: world.trustLists.get(verifier.holder) ?? [],
        revocation: check.revocation.mode === 'all',
        crls: check.revocation.mode === 'all' ? world.crls : [],
        referenceNames: check.referenceNames,
      };
      const key = JSON.stringify([verifier.holder, presenter.presents, role, check]);
      if (!cases.has(key)) cases.set(key, { spec, link, role, check, refusal: examination?.refusal, question });
    }
  }
  return [...cases.values()];
}

describeWithTool('openssl', 'the proof and real TLS stacks agree', (openssl) => {
  const gnutlsCli = tool('gnutls-cli');
  const certtool = tool('certtool');
  let answering: Answering;

  beforeAll(async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const self = { name: encodeName({ commonName: 'nobody' }), key };
    const content = { serial: 1n, subject: self, issuer: self, extensions: [basicConstraints({ authority: false })] };
    const dates = { notBefore: new Date(Date.now() - 3600_000), notAfter: new Date(Date.now() + 24 * 3600_000) };
    const certificate = certify({ ...content, ...dates });
    const lists = { thisUpdate: dates.notBefore, nextUpdate: dates.notAfter };
    answering = {
      folder: await mkdtemp(join(tmpdir(), 'vcs-pki-truth-')),
      self: { certificate, key },
      unrelatedCrl: crl(self, lists),
    };
  });
  afterAll(() => rm(answering.folder, { recursive: true, force: true }));

  const stacks: Readonly<Record<Stack, ((question: Question) => Promise<Verdict>) | undefined>> = {
    Node: (question) => askNode(question, answering),
    openssl: (question) => askOpenssl(openssl, question, answering),
    GnuTLS:
      gnutlsCli && certtool ? (question) => askGnutls({ cli: gnutlsCli, certtool }, question, answering) : undefined,
  };

  interface Disagreement {
    readonly spec: Spec;
    readonly stack: Stack;
    readonly link: string;
    readonly proof: string;
    readonly says: string;
  }

  async function disagreements(
    spec: Spec,
    tally?: (stack: Stack, deviation: Deviation | undefined) => boolean,
  ): Promise<Disagreement[]> {
    const found: Disagreement[] = [];
    for (const one of casesOf(spec, buildWorld(spec, new Date()))) {
      for (const stack of ['Node', 'openssl', 'GnuTLS'] as const) {
        const ask = stacks[stack];
        if (!ask) continue;
        const verdict = await ask(one.question);
        const says = verdict === undefined ? 'accepts' : 'refuses';
        const agrees = (one.refusal === undefined) === (verdict === undefined);
        const deviation = agrees
          ? undefined
          : deviations.find(
              (each) => each.stacks.includes(stack) && each.says === says && each.applies(one, verdict ?? ''),
            );
        if (tally && !tally(stack, deviation)) return found;
        if (agrees || deviation) continue;
        const proof = one.refusal
          ? `${one.refusal.by} refuses at step ${one.refusal.step}: ${one.refusal.message}`
          : 'accepts';
        found.push({
          spec,
          stack,
          link: `${one.link.id}, the ${one.role} presents`,
          proof,
          says: verdict ?? 'accepts',
        });
      }
    }
    return found;
  }

  /** The simplest spec that the same stack still disagrees on. */
  async function shrink(disagreement: Disagreement): Promise<Disagreement> {
    for (const spec of simpler(disagreement.spec)) {
      const smaller = (await disagreements(spec)).find(({ stack }) => stack === disagreement.stack);
      if (smaller) return shrink(smaller);
    }
    return disagreement;
  }

  it(
    `on ${TOPOLOGIES} topologies with a fault each or none`,
    async () => {
      const counts = { topologies: 0, Node: 0, openssl: 0, GnuTLS: 0 };
      const deviated = new Map<Deviation, number>();
      const tally = (stack: Stack, deviation: Deviation | undefined) => {
        counts[stack] += 1;
        if (deviation) deviated.set(deviation, (deviated.get(deviation) ?? 0) + 1);
        return counts[stack] < MOST_QUESTIONS;
      };
      for (const spec of specs(SEED, TOPOLOGIES)) {
        counts.topologies += 1;
        const [first] = await disagreements(spec, tally);
        if (first) {
          const smallest = await shrink(first);
          expect.fail(`the proof and ${smallest.stack} disagree on\n${stringify(smallest)}`);
        }
      }
      const table = deviations.map(
        (each) => `  ${String(deviated.get(each) ?? 0).padStart(5)}  ${each.stacks.join(', ')}: ${each.what}`,
      );
      process.stdout.write(
        `truth: ${counts.topologies} topologies, handshakes ${counts.Node} Node, ${counts.openssl} openssl, ${counts.GnuTLS} GnuTLS, no disagreement; known deviations:\n${table.join('\n')}\n`,
      );
      expect(counts.openssl).toBeGreaterThan(Object.keys(faults).length);
    },
    TOPOLOGIES * 20_000,
  );
});
