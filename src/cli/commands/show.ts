import { resolve } from 'node:path';
import { VcsPkiError } from '../../errors.ts';
import { fingerprint, readCertificate, serialHex } from '../../x509/certificate.ts';
import { readCrl } from '../../x509/crl.ts';
import { describeKey } from '../../x509/keys.ts';
import { formatName } from '../../x509/name.ts';
import { decodePem, type PemBlock } from '../../x509/pem.ts';
import { readRequest } from '../../x509/request.ts';
import { certificateText, crlText, requestText } from '../../x509/text.ts';
import { type Command, type Context, outputOption } from '../command.ts';
import { outputFormat, print } from '../output.ts';

interface Shown {
  readonly data: Record<string, unknown>;
  readonly words: string;
}

export const showCommand: Command = {
  arguments: 'FILE...',
  minArguments: 1,
  maxArguments: 1000,
  description: `Shows what certificates, certificate requests and revocation lists say, decoded. The form (PEM or DER)
is told from the content; the name of the file does not matter. Private keys are named, never shown.`,
  options: outputOption,
  examples: ['vcs-pki show server.pem', 'vcs-pki show pki/published/issuing-ca.crl --output json'],
  async run(files, options, context) {
    const format = outputFormat(options);
    const shown: Shown[] = [];
    for (const file of files) shown.push(...(await showFile(file, context)));
    await print(
      context,
      format,
      shown.map(({ data }) => data),
      () => shown.map(({ words }) => words).join('\n'),
    );
    return 0;
  },
};

async function showFile(file: string, context: Context): Promise<Shown[]> {
  const bytes = await context.fs.readFile(resolve(context.cwd, file));
  if (!bytes) throw new VcsPkiError('INPUT_UNREADABLE', { at: file, message: 'does not exist', fix: 'check the path' });
  if (bytes[0] === 0x30) return [await showDer(bytes, file)];
  const shown: Shown[] = [];
  for (const block of decodePem(bytes.toString(), file)) shown.push(await showBlock(block, file));
  return shown;
}

async function showBlock({ label, der }: PemBlock, file: string): Promise<Shown> {
  if (label === 'CERTIFICATE') return showCertificate(der, file);
  if (label === 'X509 CRL') return showCrl(der, file);
  if (label === 'CERTIFICATE REQUEST' || label === 'NEW CERTIFICATE REQUEST') return showRequest(der, file);
  return { data: { file, type: label }, words: `${file}: ${label}, not shown\n` };
}

/** Tries each kind; the error of the first is the one to report. */
async function showDer(der: Buffer, file: string): Promise<Shown> {
  let first: unknown;
  for (const show of [showCertificate, showCrl, showRequest]) {
    try {
      return await show(der, file);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

async function showCertificate(der: Buffer, file: string): Promise<Shown> {
  const certificate = readCertificate(der, file);
  const data = {
    file,
    type: 'certificate',
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
    sha256: fingerprint(der),
  };
  return { data, words: certificateText(certificate) };
}

async function showCrl(der: Buffer, file: string): Promise<Shown> {
  const crl = readCrl(der, file);
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

async function showRequest(der: Buffer, file: string): Promise<Shown> {
  const request = await readRequest(der, file);
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
