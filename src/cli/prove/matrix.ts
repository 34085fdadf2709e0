import type { LinkEnd } from '../../topology/links/link.ts';
import { unique } from '../../topology/names.ts';
import type { LinkVerdict } from '../../verify/prove.ts';
import { verdictCounts } from '../describe.ts';
import { table } from '../output.ts';

/** Columns beyond which a matrix is too wide to read, and nearly empty. */
const MOST_COLUMNS = 20;

/**
 * The verdicts by who dials whom: a row for each cluster, system or client group that is a TLS client; where too many
 * are dialled for a column each, a row for each pair.
 */
export function verdictMatrix(verdicts: readonly LinkVerdict[]): string {
  const clients = unique(verdicts.map(({ link }) => ownerOf(link.client)));
  const servers = unique(verdicts.map(({ link }) => ownerOf(link.server)));
  const cells = new Map<string, LinkVerdict[]>();
  for (const verdict of verdicts) {
    const key = `${ownerOf(verdict.link.client)}\n${ownerOf(verdict.link.server)}`;
    const cell = cells.get(key);
    if (cell) cell.push(verdict);
    else cells.set(key, [verdict]);
  }
  if (servers.length > MOST_COLUMNS) {
    const pairs = [...cells].map(([pair, cell]) => [...pair.split('\n'), cellText(cell)]);
    return `${table(['CLIENT', 'SERVER', 'LINKS'], pairs)}${LEGEND}`;
  }
  const rows = clients.map((client) => [
    client,
    ...servers.map((server) => cellText(cells.get(`${client}\n${server}`) ?? [])),
  ]);
  return `${table(['CLIENT \\ SERVER', ...servers], rows)}${LEGEND}`;
}

const LEGEND =
  'links that verify, of all that are verified; -: no link, off: neither end verifies, ?: not enough is declared to say\n';

function ownerOf({ name }: LinkEnd): string {
  return name.split('/')[0] ?? name;
}

function cellText(verdicts: readonly LinkVerdict[]): string {
  if (verdicts.length === 0) return '-';
  const { accepted, refused, unknown, notVerified } = verdictCounts(verdicts);
  if (notVerified === verdicts.length) return 'off';
  const verified = verdicts.length - notVerified;
  if (unknown === verified) return '?';
  if (refused > 0) return `${refused}/${verified} refused`;
  return `${accepted}/${verified}${unknown > 0 ? ' ?' : ''}`;
}
