import type { Usage } from '../topology/demands.ts';
import type { PathCertificate } from './path/path-certificate.ts';
import { titleOf } from './predict.ts';

/**
 * Why a path does not serve a TLS server or client, as OpenSSL judges it: an extended key usage, where there is one,
 * must name the purpose in every certificate of the path ("any" is not enough), and the key usage of the first allow TLS.
 */
export function usageProblem(
  path: readonly PathCertificate[],
  purpose: Usage,
): { readonly message: string; readonly fix: string } | undefined {
  const [leaf] = path;
  for (const certificate of path) {
    const { extendedKeyUsage } = certificate;
    if (!extendedKeyUsage || extendedKeyUsage.includes(purpose)) continue;
    const message = `${titleOf(certificate)} is for ${extendedKeyUsage.join(' and ') || 'nothing'}, not for ${purpose}`;
    const usage = `the extended key usage ${purpose} (${openSslNames[purpose]})`;
    const fix =
      certificate === leaf
        ? `have it issued with ${usage} too (requirements 20, 23)`
        : `the authority is limited, and nothing below it is for more: let one issue whose certificate has ${usage}, or no extended key usage`;
    return { message, fix };
  }
  const wanted = purpose === 'serverAuth' ? SERVER_KEY_USAGES : CLIENT_KEY_USAGES;
  if (!leaf?.keyUsage || leaf.keyUsage.some((usage) => wanted.includes(usage))) return undefined;
  const message = `the key usage of ${titleOf(leaf)} is ${leaf.keyUsage.join(', ') || 'empty'}: it can't be used for TLS`;
  return { message, fix: 'have it issued with the key usage digitalSignature (requirements 20, 23)' };
}

const openSslNames: Readonly<Record<Usage, string>> = {
  serverAuth: 'TLS Web Server Authentication',
  clientAuth: 'TLS Web Client Authentication',
};
const CLIENT_KEY_USAGES: readonly string[] = ['digitalSignature', 'keyAgreement'];
const SERVER_KEY_USAGES: readonly string[] = ['digitalSignature', 'keyEncipherment', 'keyAgreement'];
