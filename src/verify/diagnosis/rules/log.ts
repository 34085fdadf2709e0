import { nearest } from '../../nearest.ts';
import type { LogEvent } from '../appliance-log.ts';
import type { Collection } from '../collection.ts';
import { knownMessages } from '../known-messages.ts';
import type { EvidenceRule } from './rule.ts';

/** One rule for each message that is known. */
export const logRules: readonly EvidenceRule[] = knownMessages.map((message) => {
  const { pattern: _, means, fix, ...facts } = message;
  return {
    ...facts,
    severity: 'error',
    releases: 'all',
    *check(collection) {
      for (const artefact of collection.artefacts) {
        if (artefact.kind !== 'log') continue;
        const [first, ...again] = artefact.events.filter((event) => event.message === message);
        if (!first) continue;
        yield {
          at: `${artefact.path}:${first.line}`,
          value: quote(first),
          message: [means, whose(first), again.length > 0 ? `${again.length + 1} lines say so` : '']
            .filter(Boolean)
            .join('; '),
          fix: `${fix}${nearName(first, collection)}`,
        };
      }
    },
  };
});

/** What the line says was wrong. */
function quote({ fields, text }: LogEvent): string {
  return (fields.get('detail') ?? text.trim()).slice(0, LONGEST_QUOTE);
}

const LONGEST_QUOTE = 160;

/** Between whom, as far as the line says. */
function whose({ fields }: LogEvent): string {
  const end = (address: string, port: string) => {
    const at = fields.get(address);
    return at && [at, fields.get(port)].filter(Boolean).join(':');
  };
  const from = end('src-ip', 'src-port');
  const to = end('dst-ip', 'dst-port');
  const name = fields.get('common-name');
  return [from && to ? `${from} to ${to}` : '', name ? `the line names ${name}` : ''].filter(Boolean).join(', ');
}

/** A setting that is a letter or two away from a name of a certificate that was given (D11). */
function nearName({ fields, message }: LogEvent, { leaves }: Collection): string {
  const name = fields.get('common-name');
  if (message.diagnosis !== 'D11' || name === undefined) return '';
  const names = leaves.flatMap(({ certificate }) => certificate.dnsNames);
  const near = names.includes(name) ? undefined : nearest(name, names);
  return near === undefined ? '' : `; the nearest to ${name} is ${near}`;
}
