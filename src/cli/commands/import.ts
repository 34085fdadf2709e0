import type { KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { acceptArrival, checkArrival, keepKey, requestOf } from '../../authority/elsewhere.ts';
import type { RecordedState } from '../../authority/plan.ts';
import { specificationOf } from '../../authority/record.ts';
import { VcsPkiError } from '../../errors.ts';
import type { Demand } from '../../topology/demands.ts';
import { authorityEntries } from '../../trust/trust-list.ts';
import { type Certificate, serialHex } from '../../x509/certificate.ts';
import { readContents } from '../../x509/contents.ts';
import { subjectPublicKeyInfo } from '../../x509/keys.ts';
import {
  type Command,
  type Context,
  type Options,
  outputOption,
  passwordOption,
  TARGET_HELP,
  targetOptions,
  text,
  writerOptions,
} from '../command.ts';
import { deliver } from '../deliver.ts';
import { day, verdictSummary } from '../describe.ts';
import { outputFormat, print } from '../output.ts';
import { checkedState, NO_PLAN, proveSession, type Session, secretFile, writeLock, writeSession } from '../session.ts';
import { workspace } from '../target.ts';

export const importCommand: Command = {
  arguments: 'FILE...',
  minArguments: 1,
  maxArguments: 100,
  description: `Takes in certificates that an authority elsewhere has signed: PEM, DER, p7b from certsrv, or a PFX with
its key. Each is told by its key which request it answers, held against what was asked for, put on
record and into the upload bundle of its peer. What does not fit is refused, and nothing is changed.

${TARGET_HELP.replace('TARGET is', 'The TARGET of --target is')}`,
  options: {
    target: { type: 'string', value: 'TARGET', description: 'The topology (default: the one of this folder)' },
    ...targetOptions,
    for: {
      type: 'string',
      value: 'CERTIFICATE',
      description: 'Only for this one; needed where a key comes along (PFX)',
    },
    ...writerOptions,
    ...passwordOption,
    ...outputOption,
  },
  examples: [
    'vcs-pki import server.cer',
    'vcs-pki import certnew.p7b --for edge/expe1/server',
    'vcs-pki import cert_inf.pfx --for edge/expe1/server --password-file /run/secrets/pfx-password',
  ],
  async run(files, options, context) {
    const format = outputFormat(options);
    const chosen = await workspace(text(options, 'target'), options, context);
    const given = await readFiles(files, options, context);
    return writeSession(chosen, options, context, 'import', async (session) => {
      const state = await checkedState(session, () => false);
      const orders = [];
      for (const certificate of given.leaves) orders.push(await orderFor(certificate, given, session, state, options));
      const { directory, workspace: place } = session;
      const { material, requests } = directory;
      const ports = { clock: context.clock, random: context.random, material, requests };
      const now = context.clock.now();
      const authorities = new Map(orders.map(({ demand }) => [demand.issuer, issuerOf(demand, session)]));
      for (const order of orders) checkArrival(order, authorities.get(order.demand.issuer) ?? [], now);
      const imported: { certificate: string; serial: string; notAfter: Date }[] = [];
      for (const order of orders) {
        const { demand, certificate, key } = order;
        if (key) await keepKey(order, key, ports);
        const ledger = await directory.prepareExternal(demand.issuer);
        const chain = authorities.get(demand.issuer) ?? [];
        await acceptArrival({ ...order, chain }, place.topology.name, ledger, ports);
        imported.push({
          certificate: demand.id,
          serial: serialHex(certificate.serialNumber),
          notAfter: certificate.notAfter,
        });
      }
      const after = await writeLock(session, context);
      await deliver(place.topology, directory, after);
      const verdicts = await proveSession(session, after, NO_PLAN, now);
      await print(context, format, { imported }, () => {
        const lines = imported.map(
          ({ certificate, serial, notAfter }) =>
            `imported ${certificate}, serial ${serial}, valid until ${day(notAfter)}\n`,
        );
        return `${lines.join('')}${verdictSummary(verdicts)}`;
      });
      return 0;
    });
  },
};

interface Given {
  readonly leaves: readonly Certificate[];
  readonly keys: readonly KeyObject[];
  readonly from: string;
}

async function readFiles(files: readonly string[], options: Options, context: Context): Promise<Given> {
  const passwordFile = text(options, 'password-file');
  const password = passwordFile === undefined ? undefined : await secretFile(passwordFile, context);
  const leaves = new Map<string, Certificate>();
  const keys: KeyObject[] = [];
  for (const file of files) {
    const bytes = await context.fs.readFile(resolve(context.cwd, file));
    if (!bytes)
      throw new VcsPkiError('INPUT_UNREADABLE', { at: file, message: 'does not exist', fix: 'check the path' });
    for (const item of (await readContents(bytes, file, { password })).items) {
      if (item.kind === 'unreadable') throw item.error;
      if (item.kind === 'encrypted key') {
        throw new VcsPkiError('KEY_ENCRYPTED', {
          at: file,
          message: 'the private key in it is protected by a password',
          fix: 'give the password with --password-file',
        });
      }
      if (item.kind === 'key') keys.push(item.key);
      if (item.kind === 'certificate' && item.certificate.basicConstraints?.authority !== true)
        leaves.set(item.certificate.der.toString('base64'), item.certificate);
    }
  }
  const from = files.join(', ');
  if (leaves.size > 0) return { leaves: [...leaves.values()], keys, from };
  throw new VcsPkiError('CERTIFICATE_UNFIT', {
    at: from,
    message: 'has no certificate of a peer in it',
    fix: 'give the certificate that the authority issued; its own certificates belong to externalAuthorities',
  });
}

interface Order {
  readonly demand: Demand;
  readonly generation: number;
  readonly reason: string;
  readonly specification: ReturnType<typeof specificationOf>;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly key: KeyObject | undefined;
}

/** Requirement 35: whose request the certificate answers; or the demand that was named, where the key comes along. */
async function orderFor(
  certificate: Certificate,
  given: Given,
  session: Session,
  state: RecordedState,
  options: Options,
): Promise<Order> {
  const requests = state.requests ?? new Map();
  const wanted = text(options, 'for');
  const answered = await requestOf(certificate, requests);
  const key = given.keys.find((one) => subjectPublicKeyInfo(one).equals(certificate.subjectPublicKeyInfo));
  const name = certificate.subject.commonName ?? given.from;
  if (answered !== undefined && wanted !== undefined && answered !== wanted) {
    throw new VcsPkiError('KEY_MISMATCH', {
      at: wanted,
      value: name,
      message: `the certificate belongs to the request of ${answered}, not to that of ${wanted} (35)`,
      fix: `import it for ${answered}: on ${wanted} it could not be used`,
    });
  }
  const id = answered ?? (key ? wanted : undefined);
  const demand = session.demands.find((candidate) => candidate.id === id);
  if (!demand || id === undefined) {
    const waiting = [...requests.keys()].join(', ');
    throw new VcsPkiError('KEY_MISMATCH', {
      at: wanted ?? given.from,
      value: name,
      message: key
        ? 'it comes with its key, and it is not said for whom'
        : 'it belongs to no request that is in progress: its key is another',
      fix: key
        ? `say for whom: --for ${session.demands[0]?.id ?? '<cluster>/<peer>/server'}`
        : `check that the request was not discarded after it was sent (D01); in progress: ${waiting || 'none'}`,
    });
  }
  const pending = requests.get(id);
  const present = state.certificates.get(id)?.issuance.generation ?? 0;
  const common = { demand, certificate, chain: [], key: answered === undefined ? key : undefined };
  return pending
    ? { ...common, generation: pending.generation, reason: pending.reason, specification: pending.specification }
    : { ...common, generation: present + 1, reason: 'imported with its key', specification: specificationOf(demand) };
}

function issuerOf(demand: Demand, { workspace: { topology } }: Session): Certificate[] {
  if (topology.authorities.some(({ id }) => id === demand.issuer)) {
    throw new VcsPkiError('CERTIFICATE_UNFIT', {
      at: demand.id,
      value: demand.issuer,
      message: `${demand.issuer} is an authority of this topology and signs here`,
      fix: 'declare the authority that signed it in externalAuthorities, and make it the issuer of the cluster',
    });
  }
  return authorityEntries(topology, [demand.issuer]).flatMap(({ certificate }) => certificate ?? []);
}
