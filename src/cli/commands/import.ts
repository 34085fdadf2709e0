import type { KeyObject } from 'node:crypto';
import {
  acceptArrival,
  checkArrival,
  isOnRecord,
  keepKey,
  otherKeyAwaited,
  requestOf,
  serialUsedTwice,
} from '../../authority/elsewhere.ts';
import type { RecordedState } from '../../authority/plan.ts';
import { specificationOf } from '../../authority/record.ts';
import { refuseUnfit } from '../../authority/unfit-key.ts';
import { VcsPkiError } from '../../errors.ts';
import type { Demand } from '../../topology/demands.ts';
import { authorityEntries } from '../../trust/trust-list.ts';
import { type Certificate, serialHex } from '../../x509/certificate.ts';
import { readContents } from '../../x509/contents.ts';
import { subjectPublicKeyInfo } from '../../x509/keys.ts';
import { orderedChain } from '../../x509/ordered-chain.ts';
import {
  type Command,
  type Context,
  outputOption,
  passwordOption,
  TARGET_HELP,
  targetOptions,
  writerOptions,
} from '../command.ts';
import { deliver } from '../deliver.ts';
import { day, verdictSummary, withdrawnText } from '../describe.ts';
import { inputFile, secretFile } from '../input-file.ts';
import { type Options, text } from '../options.ts';
import { outputFormat, print } from '../output.ts';
import { checkedState, NO_PLAN, portsOf, proveSession, type Session, writeLock, writeSession } from '../session.ts';
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
    target: { type: 'text', value: 'TARGET', description: 'The topology (default: the one of this folder)' },
    ...targetOptions,
    for: {
      type: 'text',
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
      const orders: Order[] = [];
      const present: Imported[] = [];
      for (const certificate of given.leaves) {
        const order = await orderFor(certificate, given, session, state, options);
        if (order.isPresent) present.push(importedOf(order));
        else orders.push(order);
      }
      const { directory, workspace: place } = session;
      const ports = portsOf(session, context);
      const now = context.clock.now();
      const authorities = new Map(orders.map(({ demand }) => [demand.issuer, issuerOf(demand, session)]));
      for (const order of orders) {
        checkArrival(order, authorities.get(order.demand.issuer) ?? [], now);
        await refuseUnfit(order.certificate.subjectPublicKeyInfo, order.demand.id, ports);
        await isOnRecord(order, directory.ledger({ authority: order.demand.issuer, generation: 1 }));
      }
      refuseSerialTwice(orders);
      const imported: Imported[] = [];
      for (const order of orders) {
        const { demand, key } = order;
        if (key) await keepKey(order, key, ports);
        const ledger = await directory.prepareExternal(demand.issuer);
        const chain = authorities.get(demand.issuer) ?? [];
        await acceptArrival({ ...order, chain }, place.topology.name, ledger, ports);
        imported.push(importedOf(order));
      }
      const after = await writeLock(session);
      const delivery = await deliver(place.topology, directory, after, { now });
      const verdicts = await proveSession(session, after, NO_PLAN, now);
      await print(context, format, { imported, present }, () => {
        const lines = [
          ...imported.map((one) => `imported ${importedText(one)}`),
          ...present.map((one) => `on record already: ${importedText(one)}`),
        ];
        return `${lines.join('')}${withdrawnText(delivery)}${verdictSummary(verdicts)}`;
      });
      return 0;
    });
  },
};

/** Of what arrives together, too, one authority gives a serial number once. */
function refuseSerialTwice(orders: readonly Order[]): void {
  const seen = new Set<string>();
  for (const { demand, certificate } of orders) {
    const serial = serialHex(certificate.serialNumber);
    const place = `${demand.issuer} ${serial}`;
    if (seen.has(place)) throw serialUsedTwice(demand, serial);
    seen.add(place);
  }
}

interface Imported {
  readonly certificate: string;
  readonly serial: string;
  readonly notAfter: Date;
}

function importedOf({ demand, certificate }: Order): Imported {
  return {
    certificate: demand.id,
    serial: serialHex(certificate.serialNumber),
    notAfter: certificate.notAfter,
  };
}

function importedText({ certificate, serial, notAfter }: Imported): string {
  return `${certificate}, serial ${serial}, valid until ${day(notAfter)}\n`;
}

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
    const { items } = await readContents(await inputFile(file, context), file, { password });
    for (const item of items) {
      if (item.kind === 'unreadable') throw item.error;
      if (item.kind === 'encrypted key') {
        throw new VcsPkiError('KEY_ENCRYPTED', {
          at: file,
          message: 'the private key in it is protected by a password',
          fix: 'give the password with --password-file',
        });
      }
    }
    const { key, leaf } = orderedChain(items);
    if (key) keys.push(key);
    const own = key && leaf ? [leaf] : items.flatMap((item) => (item.kind === 'certificate' ? item.certificate : []));
    for (const certificate of own.filter(({ basicConstraints }) => basicConstraints?.authority !== true))
      leaves.set(certificate.der.toString('base64'), certificate);
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
  readonly issue: number;
  readonly reason: string;
  readonly specification: ReturnType<typeof specificationOf>;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly key: KeyObject | undefined;
  /** It was imported before. */
  readonly isPresent: boolean;
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
  const pendingFor = await requestOf(certificate, requests);
  const holder = pendingFor === undefined ? await holderOf(certificate, session, state) : undefined;
  const answered = pendingFor ?? holder?.demand;
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
  const demand = session.demands.find(({ id }) => id === (answered ?? (key ? wanted : undefined)));
  if (!demand) {
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
  const { id } = demand;
  const common = { demand, certificate, chain: [], key: undefined, isPresent: false };
  if (holder) {
    const { issue, specification } = holder.record.issuance;
    const { key: kept } = await session.directory.material.load({ demand: id }, issue);
    const reason = 'signed once more for the same key';
    const isPresent = holder.certificate.der.equals(certificate.der);
    if (!isPresent && requests.has(id)) throw otherKeyAwaited(id);
    return { ...common, key: kept, issue: issue + 1, reason, specification, isPresent };
  }
  const pending = answered === undefined ? undefined : requests.get(id);
  if (pending) return { ...common, ...pending };
  if ('request' in demand.key || requests.has(id)) throw otherKeyAwaited(id);
  const present = state.certificates.get(id)?.issuance.issue ?? 0;
  const specification = specificationOf(demand);
  return { ...common, key, issue: present + 1, reason: 'imported with its key', specification };
}

/** Who has a certificate for this key: an authority may sign a request once more, where the first certificate was not right. */
async function holderOf(
  certificate: Certificate,
  { directory, workspace: { topology } }: Session,
  state: RecordedState,
) {
  const read = await directory.certificateReader(topology);
  for (const [demand, record] of state.certificates) {
    const present = record.issuance.signedElsewhere ? await read(record) : undefined;
    if (present?.subjectPublicKeyInfo.equals(certificate.subjectPublicKeyInfo))
      return { demand, record, certificate: present };
  }
  return undefined;
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
