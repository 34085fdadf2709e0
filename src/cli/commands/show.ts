import type { Secret } from '../../secret.ts';
import { type Certificate, fingerprint, serialHex } from '../../x509/certificate.ts';
import { type Content, readContents } from '../../x509/contents.ts';
import type { Crl } from '../../x509/crl.ts';
import { describeKey, subjectPublicKeyInfo } from '../../x509/keys.ts';
import { formatName } from '../../x509/name.ts';
import type { CertificateRequest } from '../../x509/request.ts';
import { certificateText, crlText, requestText } from '../../x509/text.ts';
import { type Command, type Context, outputOption, passwordOption } from '../command.ts';
import { inputFile, secretFile } from '../input-file.ts';
import { text } from '../options.ts';
import { outputFormat, print } from '../output.ts';

interface Shown {
  readonly data: Record<string, unknown>;
  readonly words: string;
}

export const showCommand: Command = {
  arguments: 'FILE...',
  minArguments: 1,
  maxArguments: 1000,
  description: `Shows what certificates, certificate requests and revocation lists say, decoded. The form (PEM, DER,
PKCS #7 or PKCS #12) is told from the content; the name of the file does not matter. Private keys are
named, never shown.`,
  options: { ...passwordOption, ...outputOption },
  examples: [
    'vcs-pki show server.pem',
    'vcs-pki show cert_inf.pfx --password-file /run/secrets/pfx-password',
    'vcs-pki show pki/published/issuing-ca.crl --output json',
  ],
  async run(files, options, context) {
    const format = outputFormat(options);
    const passwordFile = text(options, 'password-file');
    const password = passwordFile === undefined ? undefined : await secretFile(passwordFile, context);
    const shown: Shown[] = [];
    for (const file of files) shown.push(...(await showFile(file, password, context)));
    await print(
      context,
      format,
      shown.map(({ data }) => data),
      () => shown.map(({ words }) => words).join('\n'),
    );
    return 0;
  },
};

async function showFile(file: string, password: Secret<string> | undefined, context: Context): Promise<Shown[]> {
  const { items } = await readContents(await inputFile(file, context), file, { password });
  return items.map((item) => showItem(item, file));
}

function showItem(item: Content, file: string): Shown {
  switch (item.kind) {
    case 'certificate':
      return showCertificate(item.certificate, file, item.friendlyName);
    case 'crl':
      return showCrl(item.crl, file);
    case 'request':
      return showRequest(item.request, file);
    case 'key': {
      const key = describeKey(subjectPublicKeyInfo(item.key));
      return { data: { file, type: 'private key', key }, words: `${file}: private key, ${key}, not shown\n` };
    }
    case 'encrypted key': {
      const { format } = item;
      return {
        data: { file, type: 'encrypted private key', format },
        words: `${file}: encrypted private key (${format}), not shown\n`,
      };
    }
    case 'other':
      return { data: { file, type: item.label }, words: `${file}: ${item.label}, not shown\n` };
    case 'unreadable': {
      const { label, error } = item;
      const { code, message, fix } = error;
      return {
        data: { file, type: label, error: { code, message, fix } },
        words: `${file}: ${label} that can't be read: ${message}\n  fix: ${fix}\n`,
      };
    }
  }
}

function showCertificate(certificate: Certificate, file: string, friendlyName: string | undefined): Shown {
  const data = {
    file,
    type: 'certificate',
    ...(friendlyName !== undefined && { friendlyName }),
    subject: formatName(certificate.subject),
    issuer: formatName(certificate.issuer),
    serial: serialHex(certificate.serialNumber),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    key: describeKey(certificate.subjectPublicKeyInfo),
    signatureAlgorithm: certificate.signatureAlgorithmName,
    names: certificate.dnsNames,
    ipAddresses: certificate.ipAddresses,
    usages: certificate.extendedKeyUsage,
    authority: certificate.basicConstraints?.authority === true,
    crlUrls: certificate.crlUrls,
    sha256: fingerprint(certificate.der),
  };
  return { data, words: certificateText(certificate, { friendlyName }) };
}

function showCrl(crl: Crl, file: string): Shown {
  const data = {
    file,
    type: 'revocation list',
    issuer: formatName(crl.issuer),
    number: crl.crlNumber?.toString(),
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    entries: crl.size,
  };
  return { data, words: crlText(crl, { limit: 100 }) };
}

function showRequest(request: CertificateRequest, file: string): Shown {
  const data = {
    file,
    type: 'certificate request',
    subject: formatName(request.subject),
    names: request.dnsNames,
    otherNames: request.otherNames,
    usages: request.extendedKeyUsage,
    key: describeKey(request.subjectPublicKeyInfo),
  };
  return { data, words: requestText(request) };
}
