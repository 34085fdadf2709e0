import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../src/cli/main.ts';
import type { TopologyInput } from '../src/topology/schema.ts';
import { exampleTopology } from '../test/support/topologies.ts';

/** A set-up that is broken in one way, what somebody runs then, and what it says. */
interface Scenario {
  readonly title: string;
  /** What was done, and what it looks like from outside. */
  readonly story: string;
  readonly topology?: (example: Example) => TopologyInput;
  /** Changes files of the project after everything has been issued. */
  readonly after?: (project: string) => Promise<void>;
  readonly daysLater?: number;
  readonly command: readonly string[];
}

type Example = typeof exampleTopology;

const BUNDLES = 'pki/bundles/collaboration-edge';

const scenarios: readonly Scenario[] = [
  {
    title: 'The zone was set up with IP addresses',
    story: 'The names of the edge did not resolve inside, so somebody entered its addresses as Peer address.',
    topology: (example) => withZone(example, { peerAddresses: ['192.0.2.11', '192.0.2.12'] }),
    command: ['check'],
  },
  {
    title: 'A typing error in the TLS verify subject name',
    story:
      'The zone stays down, and the log of the Expressway-E says that the identity of the certificate was unacceptable.',
    topology: (example) => withZone(example, { tlsVerifySubjectName: 'expc.exmaple.com' }),
    command: ['check'],
  },
  {
    title: 'One wildcard instead of all the names',
    story: 'There are many chat node aliases, and a wildcard would have been shorter.',
    topology: (example) => withCluster(example, 'core', { chatNodeAliases: ['*.conference.example.com'] }),
    command: ['apply'],
  },
  {
    title: 'Only the issuing authority was put on the trust list',
    story: 'It is the one that signs, so it looked sufficient.',
    topology: (example) => ({
      ...mutable(example),
      trustLists: [{ id: 'trust', authorities: ['issuing-ca'], appliesTo: ['core', 'edge'] }],
    }),
    command: ['apply'],
  },
  {
    title: 'The new certificates are for servers alone',
    story: 'They came from a public authority, whose profile no longer has client authentication.',
    topology: (example) => withCluster(example, 'core', { usages: ['serverAuth'] }),
    command: ['check'],
  },
  {
    title: 'Unified communications on an old release',
    story: 'The VCS Expressway was not upgraded with the rest.',
    topology: (example) => withCluster(example, 'edge', { product: 'vcs-expressway', release: 'X7.2' }),
    command: ['check'],
  },
  {
    title: 'Nobody signed the revocation lists for ten days',
    story: 'All zones went down in one night, and every certificate counts as revoked.',
    daysLater: 10,
    command: ['prove'],
  },
  {
    title: 'The certificates of two peers were mixed up',
    story: 'expe1 and expe2 look much the same, and the wrong file went into the folder of expe1.',
    after: async (project) => {
      const other = await readFile(join(project, BUNDLES, 'edge/expe2/server.pem'));
      await writeFile(join(project, BUNDLES, 'edge/expe1/server.pem'), other);
    },
    command: ['check', 'pki/bundles/collaboration-edge/edge'],
  },
  {
    title: 'Mobile and remote access fails, though key and certificate are right',
    story: 'The key was copied through an editor that drops the last line break.',
    after: async (project) => {
      const path = join(project, BUNDLES, 'core/expc1/privatekey.pem');
      await writeFile(path, (await readFile(path)).subarray(0, -1));
    },
    command: ['check', 'pki/bundles/collaboration-edge/core/expc1'],
  },
  {
    title: 'The log speaks of a self-signed certificate, and there is none',
    story: 'A line of the event log of the Expressway-E, saved in a file.',
    after: async (project) => {
      await writeFile(
        join(project, 'eventlog.txt'),
        '2026-11-21T11:58:03.101+00:00 expe1 tvcs: Event="Inbound TLS Negotiation Error" Service="SIP" Src-ip="10.0.0.11" Src-port="25013" Dst-ip="10.0.1.11" Dst-port="7001" Detail="self signed certificate in certificate chain" Protocol="TLS" Level="1" UTCTime="2026-11-21 11:58:03,100"\n',
      );
    },
    command: ['check', 'eventlog.txt'],
  },
];

/** docs/troubleshooting.md: the transcripts, as the commands print them. */
export async function troubleshooting(): Promise<string> {
  const sections: string[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    const transcript = await play(scenario);
    sections.push(`## ${index + 1}. ${scenario.title}\n\n${scenario.story}\n\n\`\`\`\n${transcript}\`\`\``);
  }
  return `# Troubleshooting

The example, broken in ten ways, and what vcs-pki says. Serial numbers are shortened.

${sections.join('\n\n')}
`;
}

async function play({ topology, after, daysLater = 0, command }: Scenario): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'vcs-pki-troubleshooting-'));
  try {
    const start = Date.parse('2026-11-21T12:00:00Z');
    const run = async (args: readonly string[], days: number): Promise<string> => {
      let printed = '';
      const say = (text: string) => {
        printed += text;
      };
      await main(args, {
        cwd: project,
        env: {},
        clock: { now: () => new Date(start + days * 24 * 3600 * 1000) },
        out: say,
        progress: (line) => say(`${line}\n`),
      });
      return printed;
    };
    const declared = topology ? topology(exampleTopology) : withQuickKeys(exampleTopology);
    await writeFile(join(project, 'topology.json'), JSON.stringify(declared));
    if (!topology) await run(['apply'], 0);
    await after?.(project);
    const shown = await run(command, daysLater);
    return `$ vcs-pki ${command.join(' ')}\n${shown.replace(/\b[0-9A-F]{30,40}\b/g, (serial) => `${serial.slice(0, 2)}...`)}`;
  } finally {
    await rm(project, { recursive: true });
  }
}

/** Made more quickly than those of the example; nothing that is printed tells. */
function withQuickKeys(example: Example): TopologyInput {
  const key = 'ec-p256' as const;
  return {
    ...mutable(example),
    authorities: example.authorities.map((authority) => ({ ...authority, key })),
    clusters: example.clusters.map((cluster) => ({
      ...cluster,
      key,
      peers: cluster.peers.map((peer) => ({ ...peer })),
    })),
  };
}

function mutable(example: Example): TopologyInput {
  return JSON.parse(JSON.stringify(example));
}

function withCluster(example: Example, id: string, change: object): TopologyInput {
  const clusters = example.clusters.map((cluster) => (cluster.id === id ? { ...cluster, ...change } : cluster));
  return { ...mutable(example), clusters: JSON.parse(JSON.stringify(clusters)) };
}

function withZone(example: Example, change: object): TopologyInput {
  const zones = example.zones.map((zone) => ({ ...zone, ...change }));
  return { ...mutable(example), zones: JSON.parse(JSON.stringify(zones)) };
}
