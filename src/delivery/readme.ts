import { fqdn } from '../topology/names.ts';
import type { Release } from '../topology/releases/release.ts';
import { releaseOf } from '../topology/releases/releases.ts';
import { serialHex } from '../x509/certificate.ts';
import type { BundleContent } from './bundle-content.ts';

/** README.txt of a peer's upload folder: what goes to which page, top to bottom, in the menu words of its release. */
export function bundleReadme(content: BundleContent): string {
  const release = releaseOf(content.cluster);
  const sections = [
    trustSection(content, release),
    certificateSection(content, release),
    clientSection(content, release),
    crlSection(content, release),
    revocationSection(content, release),
    restartSection(content, release),
  ].filter((section) => section.length > 0);
  const numbered = sections.map(([title, ...lines], index) =>
    [`${index + 1}. ${title}`, ...lines.map((line) => `   ${line}`)].join('\n'),
  );
  return `${header(content)}\n\n${numbered.join('\n\n')}\n`;
}

function header({ cluster, peer, certificate }: BundleContent): string {
  return [
    `${fqdn(peer)}: ${cluster.product}, ${cluster.release}, cluster ${cluster.clusterName ?? 'none'}`,
    '',
    'Do these steps in this order: a certificate is refused by a peer that does not trust its issuer yet.',
    `Certificate: serial ${serialHex(certificate.serialNumber)}`,
    `  names:  ${certificate.dnsNames.join(', ')}`,
    `  valid:  ${certificate.notBefore.toISOString().slice(0, 10)} to ${certificate.notAfter.toISOString().slice(0, 10)}`,
  ].join('\n');
}

function trustSection({ trusted }: BundleContent, release: Release): string[] {
  const names = trusted.map((certificate) => `- ${certificate.subject.commonName ?? 'unnamed'}`);
  if (release.trustListUpload === 'replace') {
    return [
      'Trusted authorities',
      `Page: ${release.menus.trustedCa}`,
      'Browse to ca.pem, then click Upload CA certificate.',
      'The upload REPLACES every authority that was loaded before: if this peer also trusts others, add them to the',
      'trust list of the topology first, so that ca.pem holds them all.',
      'ca.pem holds:',
      ...names,
    ];
  }
  return [
    'Trusted authorities',
    `Page: ${release.menus.trustedCa}`,
    'Browse to ca.pem, then click Append CA certificate.',
    'Entries with the issuer and subject of a new one stay in the list: tick such an old entry and click Delete.',
    'The list is not copied between peers: load it on each.',
    'ca.pem holds:',
    ...names,
  ];
}

function certificateSection({ key }: BundleContent, release: Release): string[] {
  const page = `Page: ${release.menus.serverCertificate}`;
  if (!key) {
    return [
      'Server certificate',
      page,
      'Do not discard the signing request that is shown there: the key that belongs to this certificate goes with it.',
      'Browse to server.pem as the server certificate file; choose no key file.',
      'Click Upload server certificate data.',
    ];
  }
  return [
    'Server certificate and key',
    page,
    'If a signing request is shown as in progress, the key cannot be uploaded: click Discard CSR first.',
    'Browse to privatekey.pem as the server private key file, and to server.pem as the server certificate file.',
    'Click Upload server certificate data. Afterwards delete your copy of privatekey.pem.',
  ];
}

function clientSection({ client }: BundleContent, release: Release): string[] {
  if (!client) return [];
  return [
    'Client certificate',
    `Page: ${release.menus.clientCertificate ?? release.menus.serverCertificate}`,
    client.key
      ? 'Browse to client-privatekey.pem as the key file, and to client.pem as the client certificate file.'
      : 'Browse to client.pem as the client certificate file; its key is on the appliance.',
    `It is what this peer presents where it dials. Serial ${serialHex(client.certificate.serialNumber)}.`,
  ];
}

function crlSection({ crls, crlUrls, cluster }: BundleContent, release: Release): string[] {
  if (crls.length === 0) return [];
  const automatic =
    crlUrls.length === 0
      ? [
          'No authority has a base URL declared, so there is nothing to download automatically: upload crl.pem again at every update.',
        ]
      : [
          'Set Automatic CRL updates to Enabled, and enter as HTTP(S) distribution points, one per line:',
          ...crlUrls.map((url) => `  ${url}`),
          `Daily update time (UTC): ${cluster.crlUpdateTimeUtc}. Click Save.`,
        ];
  const unpublished =
    crlUrls.length > 0 && crlUrls.length < crls.length
      ? [
          'Some authorities have no address to download from: their lists are in crl.pem alone, which is to be loaded too.',
        ]
      : [];
  return [
    'Revocation lists',
    `Page: ${release.menus.crl}`,
    ...automatic,
    ...unpublished,
    'External policy servers are checked against manually loaded lists only: browse to crl.pem, click Upload CRL file.',
    'The upload replaces the file before; crl.pem holds the lists of all authorities.',
    'When a list expires, every certificate of its authority counts as revoked.',
  ];
}

function revocationSection({ cluster }: BundleContent, release: Release): string[] {
  if (!cluster.revocationChecking) return [];
  return [
    'Revocation checking of SIP connections',
    `Page: ${release.menus.sip}, section Certificate revocation checking`,
    'Certificate revocation checking mode: On. Use CRLs: On. Use OCSP: Off (these certificates name no responder).',
    'Allow CRL downloads from CDPs: On. Fallback behavior: as your policy says; the default is Treat as not revoked.',
  ];
}

function restartSection({ cluster }: BundleContent, release: Release): string[] {
  const order =
    cluster.peers.length > 1
      ? ' In a cluster: the primary first, then one peer at a time, each when the one before is up.'
      : '';
  return [
    'Restart',
    `Page: ${release.menus.restart}`,
    `The new certificate is used after a restart${release.restartFor.includes('trusted CA') ? ', and so are new authorities' : ''}.${order}`,
    `Then check it: openssl s_client -connect PEER:5061 -showcerts shows the serial above.`,
  ];
}
