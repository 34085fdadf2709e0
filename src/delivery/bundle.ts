import { Secret } from '../secret.ts';
import { crlFilePem, trustListPem } from '../trust/trust-list.ts';
import { encodePem } from '../x509/pem.ts';
import type { BundleContent } from './bundle-content.ts';
import { bundleReadme } from './readme.ts';

export interface BundleFile {
  readonly name: string;
  readonly content: Secret<Buffer>;
  readonly mode: number;
}

/** Every name that a file of a bundle may have. */
export const BUNDLE_FILES = [
  'README.txt',
  'ca.pem',
  'server.pem',
  'privatekey.pem',
  'client.pem',
  'client-privatekey.pem',
  'crl.pem',
] as const;

/** The files of a peer's upload folder. The server page takes the leaf alone (D26); its issuers are in the trust list (D08). */
export function bundleFiles(content: BundleContent): BundleFile[] {
  const file = (name: (typeof BUNDLE_FILES)[number], text: string, mode = 0o644): BundleFile => ({
    name,
    content: new Secret(Buffer.from(text)),
    mode,
  });
  return [
    file('README.txt', bundleReadme(content)),
    file('ca.pem', trustListPem(content.trusted)),
    file('server.pem', encodePem('CERTIFICATE', content.certificate.der)),
    ...(content.key ? [file('privatekey.pem', content.key.reveal(), 0o600)] : []),
    ...(content.client ? [file('client.pem', encodePem('CERTIFICATE', content.client.certificate.der))] : []),
    ...(content.client?.key ? [file('client-privatekey.pem', content.client.key.reveal(), 0o600)] : []),
    ...(content.crls.length > 0 ? [file('crl.pem', crlFilePem(content.crls))] : []),
  ];
}
