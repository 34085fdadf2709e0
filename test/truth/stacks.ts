import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkServerIdentity, connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls';
import { readCertificate } from '../../src/x509/certificate.ts';
import { crlIsSignedBy, readCrl } from '../../src/x509/crl.ts';
import { privateKeyPem } from '../../src/x509/keys.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { run } from '../support/tools.ts';
import type { PeerMaterial } from './world.ts';

/** One end verifies what the other presents: the question that each stack is asked. */
export interface Question {
  /** The role of the end that presents. */
  readonly role: 'server' | 'client';
  readonly presented: PeerMaterial;
  /** What the presenting end has on its own list, and sends of its chain. */
  readonly own: readonly Buffer[];
  readonly trusted: readonly Buffer[];
  readonly revocation: boolean;
  /** None where revocation is not checked. */
  readonly crls: readonly Buffer[];
  readonly referenceNames: readonly string[];
}

/** Undefined: accepted. Otherwise why not, in the words of the stack. */
export type Verdict = string | undefined;

const LOOPBACK = '127.0.0.1';
/** What openssl takes at most to say what it thinks of a connection that is over. */
const GRACE_MS = 60_000;
/** A certificate that nobody looks at, for the end that verifies as a server. */
export interface Answering {
  readonly folder: string;
  readonly self: PeerMaterial;
  /** Of that certificate's key: Node checks revocation only when it is given a list, whichever it is. */
  readonly unrelatedCrl: Buffer;
}

function pem(ders: readonly Buffer[], label = 'CERTIFICATE'): string {
  return ders.map((der) => encodePem(label, der)).join('');
}

/** What a peer is configured with: Node and openssl send of `ca` what belongs to the chain. */
function presenting({ presented, own }: Pick<Question, 'presented' | 'own'>) {
  return {
    cert: pem([presented.certificate]),
    key: privateKeyPem(presented.key).reveal(),
    ...(own.length > 0 && { ca: pem(own) }),
    rejectUnauthorized: false,
    // It presents whatever it is given, SHA-1 too: what is asked is what the other end says.
    ciphers: 'DEFAULT@SECLEVEL=0',
  };
}

// ---- Node ----------------------------------------------------------------------------------------------------------------

export async function askNode(question: Question, { self, unrelatedCrl }: Answering): Promise<Verdict> {
  const { role, crls, trusted, referenceNames, revocation } = question;
  const verifying = {
    // Without one, Node would fall back on the roots of the system.
    ca:
      trusted.length > 0
        ? trusted.map((der) => encodePem('CERTIFICATE', der))
        : [encodePem('CERTIFICATE', self.certificate)],
    ...(revocation && { crl: [unrelatedCrl, ...crls].map((der) => encodePem('X509 CRL', der)) }),
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
  const judge = (socket: TLSSocket): Verdict => {
    if (!socket.authorized) return String(socket.authorizationError);
    return nodeNames(socket.getPeerCertificate(), referenceNames);
  };
  const asServer = role === 'client';
  const answering = asServer
    ? { ...verifying, cert: pem([self.certificate]), key: privateKeyPem(self.key).reveal(), requestCert: true }
    : presenting(question);
  const dialling = asServer ? presenting(question) : verifying;
  const listener = createServer(answering);
  listener.listen(0, LOOPBACK);
  await once(listener, 'listening');
  try {
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return await new Promise<Verdict>((resolve, reject) => {
      const tell = (socket: TLSSocket) => {
        resolve(judge(socket));
        socket.destroy();
      };
      listener.on('secureConnection', (socket) => {
        socket.on('error', () => {});
        if (asServer) tell(socket);
      });
      listener.on('tlsClientError', reject);
      const socket = connect({ ...dialling, host: LOOPBACK, port: address.port });
      let failure: Error | undefined;
      socket.on('error', (error) => {
        failure = error;
      });
      socket.once('close', () => reject(failure ?? new Error('the connection was closed before a verdict')));
      socket.once('secureConnect', () => {
        if (!asServer) tell(socket);
      });
    });
  } finally {
    listener.close();
  }
}

function nodeNames(certificate: PeerCertificate, names: readonly string[]): Verdict {
  if (names.length === 0) return undefined;
  const errors = names.map((name) => checkServerIdentity(name, certificate));
  return errors.includes(undefined) ? undefined : String(errors[0]?.message);
}

// ---- openssl ---------------------------------------------------------------------------------------------------------------

export async function askOpenssl(openssl: string, question: Question, answering: Answering): Promise<Verdict> {
  const names = question.referenceNames.length > 0 ? question.referenceNames : [undefined];
  let verdict: Verdict;
  for (const name of names) {
    verdict = await askOpensslOnce(openssl, question, name, answering);
    if (verdict === undefined) return undefined;
  }
  return verdict;
}

async function askOpensslOnce(
  openssl: string,
  question: Question,
  name: string | undefined,
  { folder, self }: Answering,
): Promise<Verdict> {
  const trusted = join(folder, 'trusted.pem');
  await writeFile(
    trusted,
    pem(question.trusted.length > 0 ? question.trusted : [self.certificate]) + pem(question.crls, 'X509 CRL'),
  );
  const isAddress = name !== undefined && /^[\d.]+$/.test(name);
  const verifying = [
    ...['-CAfile', trusted, '-no-CApath', '-no-CAstore', '-verify_return_error'],
    ...(question.revocation ? ['-crl_check_all'] : []),
    ...(name === undefined ? [] : [isAddress ? '-verify_ip' : '-verify_hostname', name]),
  ];
  if (question.role === 'server') {
    const listener = createServer(presenting(question));
    listener.on('tlsClientError', () => {});
    listener.on('secureConnection', (socket) => socket.on('error', () => {}).end());
    listener.listen(0, LOOPBACK);
    await once(listener, 'listening');
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { stderr, stdout } = await run(
      openssl,
      ['s_client', '-connect', `${LOOPBACK}:${address.port}`, '-verify', '9', ...verifying],
      { input: '' },
    );
    listener.close();
    return opensslError(stderr + stdout);
  }
  const cert = join(folder, 'self.pem');
  const key = join(folder, 'self.key');
  await writeFile(cert, pem([self.certificate]));
  await writeFile(key, privateKeyPem(self.key).reveal());
  const child = spawn(openssl, [
    's_server',
    '-accept',
    `${LOOPBACK}:0`,
    '-naccept',
    '1',
    '-Verify',
    '9',
    '-cert',
    cert,
    '-key',
    key,
    ...verifying,
  ]);
  let log = '';
  const port = new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      log += data.toString();
      const found = /^ACCEPT .*:(\d+)$/m.exec(log);
      if (found) resolve(Number(found[1]));
    });
    child.once('close', () => reject(new Error(`openssl ended:\n${log}`)));
  });
  child.stderr.on('data', (data: Buffer) => {
    log += data.toString();
  });
  child.stdin.on('error', () => {});
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  port.catch(() => {});
  try {
    const socket = connect({
      ...presenting(question),
      host: LOOPBACK,
      port: await port,
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => {});
    // In TLS 1.3 the client hears of the server's verdict with the first read.
    socket.once('secureConnect', () => socket.end('Q\n'));
    socket.once('close', () => setTimeout(() => child.kill(), GRACE_MS).unref());
    await closed;
    socket.destroy();
    return opensslError(log);
  } finally {
    child.kill('SIGKILL');
  }
}

function opensslError(log: string): Verdict {
  return /^verify error:(num=\d+:.*)$/m.exec(log)?.[1];
}

// ---- GnuTLS ----------------------------------------------------------------------------------------------------------------

/** As a client over loopback; gnutls-serv listens on every interface, so a client's certificate is judged by certtool. */
export async function askGnutls(
  programs: { readonly cli: string; readonly certtool: string },
  question: Question,
  { folder, self }: Answering,
): Promise<Verdict> {
  const trusted = join(folder, 'gnutls-trusted.pem');
  const lists = join(folder, 'gnutls-crl.pem');
  await writeFile(trusted, pem(question.trusted.length > 0 ? question.trusted : [self.certificate]));
  // It refuses to load a list of an authority that is not in its CA file.
  const crls = question.crls.filter((crl) => isOfListed(crl, question.trusted));
  await writeFile(lists, pem(crls, 'X509 CRL'));
  if (question.role === 'client') {
    const chain = join(folder, 'gnutls-chain.pem');
    await writeFile(chain, pem([question.presented.certificate, ...question.own]));
    const { code, stdout, stderr } = await run(programs.certtool, [
      ...['--verify', '--infile', chain, '--load-ca-certificate', trusted, '--verify-purpose', '1.3.6.1.5.5.7.3.2'],
      ...(crls.length > 0 ? ['--load-crl', lists] : []),
    ]);
    return code === 0
      ? undefined
      : ((stdout + stderr).match(/Output: .*|Chain verification output: .*/)?.[0] ?? stderr);
  }
  const listener = createServer(presenting(question));
  listener.on('tlsClientError', () => {});
  listener.on('secureConnection', (socket) => socket.on('error', () => {}).end());
  listener.listen(0, LOOPBACK);
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  let verdict: Verdict;
  for (const name of question.referenceNames.length > 0 ? question.referenceNames : [undefined]) {
    const { code, stdout, stderr } = await run(
      programs.cli,
      [
        ...['--x509cafile', trusted, ...(crls.length > 0 ? ['--x509crlfile', lists] : [])],
        ...(name === undefined ? ['--no-sni'] : ['--verify-hostname', name, '--disable-sni']),
        ...['-p', String(address.port), LOOPBACK],
      ].filter((option) => option !== '--no-sni'),
      { input: '' },
    );
    verdict = code === 0 ? undefined : ((stdout + stderr).match(/- Status: .*/)?.[0] ?? stderr);
    if (verdict === undefined) break;
  }
  listener.close();
  return verdict;
}

function isOfListed(crl: Buffer, trusted: readonly Buffer[]): boolean {
  const list = readCrl(crl, 'a list');
  return trusted.some((der) => crlIsSignedBy(list, readCertificate(der, 'a trusted certificate')));
}
