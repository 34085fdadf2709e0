import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { type Content, type Contents, readContents } from '../../src/x509/contents.ts';
import { orderedChain } from '../../src/x509/ordered-chain.ts';
import { describeWithTool, run } from '../support/tools.ts';

/** Files that openssl and GnuTLS make, in every form that engineers bring: what they hold is found. */

describeWithTool('openssl', 'files made by openssl', (openssl) => {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-contents-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => join(folder, name);

  /** Runs openssl in the folder; its output ends up in files there. */
  async function ask(...args: string[]): Promise<void> {
    const { code, stderr } = await run(openssl, args, { cwd: folder });
    expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
  }
  const read = (name: string, password?: string): Promise<Contents> =>
    readContents(readFileSync(file(name)), name, password === undefined ? {} : { password: new Secret(password) });
  const subjects = (items: readonly Content[]) =>
    items.map((item) => (item.kind === 'certificate' ? item.certificate.subject.commonName : item.kind));
  const isKey = (item: Content | undefined, key: KeyObject) => item?.kind === 'key' && item.key.equals(key);
  let rsa: KeyObject;
  let ec: KeyObject;

  beforeAll(async () => {
    const authority = ['-days', '30', '-addext', 'basicConstraints=critical,CA:TRUE'];
    await ask('genrsa', '-out', 'rsa.pem', '2048');
    await ask('ecparam', '-genkey', '-name', 'prime256v1', '-out', 'ec.pem');
    for (const name of ['root', 'secondary'])
      await ask('ecparam', '-genkey', '-noout', '-name', 'prime256v1', '-out', `${name}.key`);
    await ask('req', '-x509', '-key', 'root.key', '-subj', '/CN=root', '-out', 'root.pem', ...authority);
    const sign = async (name: string, key: string, issuer: string, extension: string) => {
      writeFileSync(file('extensions'), extension);
      await ask('req', '-new', '-key', key, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
      const by = ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-set_serial', '7', '-extfile', 'extensions'];
      await ask('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, '-days', '20', ...by);
    };
    await sign('secondary', 'secondary.key', 'root', 'basicConstraints=critical,CA:TRUE\n');
    await sign('server', 'rsa.pem', 'secondary', 'subjectAltName=DNS:vcs.example.com\n');
    await sign('direct', 'ec.pem', 'root', 'subjectAltName=DNS:vcs.example.com\n');
    writeFileSync(
      file('chain.pem'),
      readFileSync(file('root.pem'), 'utf8') + readFileSync(file('secondary.pem'), 'utf8'),
    );
    writeFileSync(file('index.txt'), '');
    writeFileSync(file('ca.cnf'), '[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ndefault_md=sha256\n');
    await ask(
      ...['ca', '-gencrl', '-config', 'ca.cnf', '-crldays', '7', '-cert', 'root.pem', '-keyfile', 'root.key'],
      ...['-out', 'root.crl'],
    );
    rsa = createPrivateKey(readFileSync(file('rsa.pem')));
    ec = createPrivateKey(readFileSync(file('ec.pem')));
  });

  describe('one value, PEM and DER (requirement 89)', () => {
    it.each([
      ['certificate', 'x509', 'server.pem'],
      ['request', 'req', 'server.csr'],
      ['crl', 'crl', 'root.crl'],
      ['key', 'rsa', 'rsa.pem'],
      ['key', 'ec', 'ec.pem'],
      ['key', 'pkey', 'rsa.pem'],
      ['key', 'pkey', 'ec.pem'],
    ])('%s, openssl %s -in %s', async (kind, command, name) => {
      for (const form of ['PEM', 'DER'] as const) {
        // A name that says nothing.
        await ask(command, '-in', name, '-outform', form, '-out', 'value.txt');
        const contents = await read('value.txt');
        expect(contents).toMatchObject({
          form,
          items: [{ kind }],
          endsWithNewline: true,
          textOutside: false,
          plainText: true,
        });
      }
    });

    it('a certificate has the fields that node:crypto reads', async () => {
      const { items } = await read('server.pem');
      const theirs = new X509Certificate(readFileSync(file('server.pem')));
      expect(items).toMatchObject([{ certificate: { der: theirs.raw, dnsNames: ['vcs.example.com'] } }]);
    });

    it('openssl x509 -text writes text before the block', async () => {
      await ask('x509', '-in', 'server.pem', '-text', '-out', 'text.pem');
      expect(await read('text.pem')).toMatchObject({ items: [{ kind: 'certificate' }], textOutside: true });
    });

    it('a certificate with trust settings is refused with the way out', async () => {
      await ask('x509', '-in', 'server.pem', '-trustout', '-addtrust', 'serverAuth', '-out', 'trusted.pem');
      const { items } = await read('trusted.pem');
      expect(items).toMatchObject([
        {
          kind: 'unreadable',
          label: 'TRUSTED CERTIFICATE',
          error: { code: 'CONTENT_UNKNOWN', fix: expect.stringMatching(/openssl x509/) },
        },
      ]);
    });
  });

  describe('requirements 37 and 87: encrypted private keys', () => {
    it.each([
      ['rsa', 'traditional', ['rsa', '-in', 'rsa.pem', '-traditional', '-aes256']],
      ['rsa', 'traditional', ['rsa', '-in', 'rsa.pem', '-traditional', '-des3']],
      ['ec', 'traditional', ['ec', '-in', 'ec.pem', '-aes128']],
      ['rsa', 'PKCS #8', ['pkcs8', '-topk8', '-in', 'rsa.pem']],
      ['ec', 'PKCS #8', ['pkcs8', '-topk8', '-in', 'ec.pem', '-v2', 'aes128', '-v2prf', 'hmacWithSHA1']],
      ['rsa', 'PKCS #8', ['pkcs8', '-topk8', '-in', 'rsa.pem', '-v1', 'PBE-SHA1-3DES']],
      ['ec', 'PKCS #8', ['pkcs8', '-topk8', '-in', 'ec.pem', '-scrypt']],
      ['rsa', 'PKCS #8', ['pkcs8', '-topk8', '-in', 'rsa.pem', '-outform', 'DER']],
    ] as const)('%s, %s: openssl %j', async (type, format, command) => {
      await ask(...command, '-passout', 'pass:correct horse', '-out', 'locked');
      expect((await read('locked')).items).toEqual([{ kind: 'encrypted key', format }]);
      expect(isKey((await read('locked', 'correct horse')).items[0], type === 'rsa' ? rsa : ec)).toBe(true);
      await expect(read('locked', 'wrong')).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG' });
    });

    it('openssl genrsa -aes256 -traditional (requirement 71)', async () => {
      await ask('genrsa', '-aes256', '-traditional', '-passout', 'pass:secret', '-out', 'cakey.pem', '2048');
      expect((await read('cakey.pem')).items).toEqual([{ kind: 'encrypted key', format: 'traditional' }]);
      expect((await read('cakey.pem', 'secret')).items).toMatchObject([{ kind: 'key' }]);
    });
  });

  describe('PKCS #12', () => {
    const withChain = ['-inkey', 'rsa.pem', '-in', 'server.pem', '-certfile', 'chain.pem', '-name', 'vcs-certificate'];
    const make = (...options: string[]) =>
      ask('pkcs12', '-export', ...withChain, '-passout', 'pass:pässword', '-out', 'x.pfx', ...options);

    /** Certificates first: openssl writes the key behind them. */
    async function expectWhole(name: string, password: string): Promise<void> {
      const { form, items } = await read(name, password);
      expect(form).toBe('PKCS #12');
      expect(subjects(items)).toEqual(['server', 'root', 'secondary', 'key']);
      const [server, , , key] = items;
      expect(isKey(key, rsa)).toBe(true);
      expect(server).toMatchObject({ friendlyName: 'vcs-certificate', localKeyId: expect.any(Buffer) });
      expect(key).toMatchObject(server?.kind === 'certificate' ? { localKeyId: server.localKeyId } : {});
    }

    const pbe = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'SHA1'];
    it.each([
      ['as openssl 3 makes them', []],
      ['with a SHA-1 MAC', ['-macalg', 'SHA1']],
      ['with a SHA-384 MAC', ['-macalg', 'SHA384']],
      ['with a SHA-512 MAC', ['-macalg', 'SHA512']],
      ['with AES-128', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC']],
      ['with AES-192', ['-keypbe', 'AES-192-CBC', '-certpbe', 'AES-192-CBC']],
      ['with 3DES under PBES2', ['-keypbe', 'DES-EDE3-CBC', '-certpbe', 'DES-EDE3-CBC']],
      ['with 3DES and SHA-1, as Windows makes them', pbe],
      ['with 3DES of two keys', ['-keypbe', 'PBE-SHA1-2DES', '-certpbe', 'PBE-SHA1-2DES']],
      ['with open parts under a MAC', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
      ['with more iterations', ['-iter', '50000']],
      ['without a MAC', ['-nomac']],
    ])('%s', async (_, options) => {
      await make(...options);
      await expectWhole('x.pfx', 'pässword');
      await expect(read('x.pfx')).rejects.toMatchObject({
        code: 'KEY_ENCRYPTED',
        fix: expect.stringMatching(/--password-file/),
      });
      await expect(read('x.pfx', 'password')).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG', at: 'x.pfx' });
    });

    it.for([
      ['RC2 with 40 bits, of -legacy', ['-legacy']],
      ['RC2 with 128 bits', ['-legacy', '-certpbe', 'PBE-SHA1-RC2-128', '-keypbe', 'PBE-SHA1-RC2-128']],
    ] as const)('%s', async ([, options], context) => {
      const provider = await run(openssl, ['list', '-providers', '-provider', 'legacy']);
      if (provider.code !== 0) {
        process.stderr.write('skipped: PKCS #12 with RC2 needs the legacy provider of openssl\n');
        return context.skip('needs the legacy provider');
      }
      await make(...options);
      await expectWhole('x.pfx', 'pässword');
      await expect(read('x.pfx', 'password')).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG' });
    });

    it('open parts without a MAC need no password', async () => {
      await make('-keypbe', 'NONE', '-certpbe', 'NONE', '-nomac');
      expect(subjects((await read('x.pfx')).items)).toEqual(['server', 'root', 'secondary', 'key']);
    });

    it('an empty password is found', async () => {
      await make('-passout', 'pass:');
      expect(subjects((await read('x.pfx')).items)).toHaveLength(4);
      expect(subjects((await read('x.pfx', '')).items)).toHaveLength(4);
    });

    it('more rounds of key derivation than a second gives are refused before any work', async () => {
      await make('-nomac', '-iter', '3000000');
      await expect(read('x.pfx', 'pässword')).rejects.toMatchObject({ code: 'KEY_DERIVATION_TOO_LONG', at: 'x.pfx' });
    });
  });

  describe('requirements 84 to 88: the PEM that openssl makes of a PFX', () => {
    const server = ['-inkey', 'rsa.pem', '-in', 'server.pem', '-certfile', 'chain.pem', '-name', 'vcs.example.com'];
    const direct = ['-inkey', 'ec.pem', '-in', 'direct.pem', '-certfile', 'root.pem', '-name', 'vcs.example.com'];

    it.each([
      ['4 parts', server, ['secondary', 'root']],
      ['3 parts', direct, ['root']],
    ])('%s: key, server and chain are told apart', async (_, made, issuers) => {
      await ask('pkcs12', '-export', ...made, '-passout', 'pass:export', '-out', 'cert_inf.pfx');
      const convert = ['pkcs12', '-in', 'cert_inf.pfx', '-out', 'cert_inf.pem', '-passin', 'pass:export'];
      for (const protection of [['-passout', 'pass:new'], ['-nodes']]) {
        await ask(...convert, ...protection);
        const { form, items, textOutside } = await read('cert_inf.pem', 'new');
        expect({ form, textOutside, count: items.length }).toEqual({
          form: 'PEM',
          textOutside: false,
          count: issuers.length + 2,
        });
        const { key, leaf, chain, others } = orderedChain(items);
        expect(key?.equals(made === server ? rsa : ec)).toBe(true);
        expect(leaf?.dnsNames).toEqual(['vcs.example.com']);
        expect(chain.map(({ subject }) => subject.commonName)).toEqual(issuers);
        expect(others).toEqual([]);
        expect(items.filter((item) => 'friendlyName' in item && item.friendlyName === 'vcs.example.com')).toHaveLength(
          2,
        );
      }
    });

    it('without the pass phrase the key stays encrypted, and the rest is told apart all the same', async () => {
      await ask('pkcs12', '-export', ...server, '-passout', 'pass:export', '-out', 'cert_inf.pfx');
      await ask(
        'pkcs12',
        '-in',
        'cert_inf.pfx',
        '-passin',
        'pass:export',
        '-passout',
        'pass:new',
        '-out',
        'cert_inf.pem',
      );
      const { items } = await read('cert_inf.pem');
      expect(items.at(-1)).toMatchObject({ kind: 'encrypted key', format: 'PKCS #8', friendlyName: 'vcs.example.com' });
      const { key, leaf, chain } = orderedChain(items);
      expect([key, leaf?.subject.commonName, ...chain.map(({ subject }) => subject.commonName)]).toEqual([
        undefined,
        'server',
        'secondary',
        'root',
      ]);
    });
  });

  describe('PKCS #7', () => {
    it.each(['PEM', 'DER'])('openssl crl2pkcs7 -certfile, %s', async (form) => {
      const files = ['-certfile', 'server.pem', '-certfile', 'chain.pem'];
      await ask('crl2pkcs7', '-nocrl', ...files, '-outform', form, '-out', 'x.p7b');
      const contents = await read('x.p7b');
      expect(contents.form).toBe('PKCS #7');
      expect(subjects(contents.items)).toEqual(['server', 'root', 'secondary']);
    });

    it('with a revocation list', async () => {
      await ask('crl2pkcs7', '-in', 'root.crl', '-certfile', 'root.pem', '-out', 'x.p7b');
      expect(subjects((await read('x.p7b')).items)).toEqual(['root', 'crl']);
    });

    it('a signed message, in pieces of BER', async () => {
      writeFileSync(file('message'), 'x'.repeat(10_000));
      const signed = ['-signer', 'server.pem', '-inkey', 'rsa.pem', '-certfile', 'root.pem', '-nodetach', '-stream'];
      await ask('cms', '-sign', '-in', 'message', ...signed, '-outform', 'DER', '-out', 'x.p7m');
      expect(readFileSync(file('x.p7m'))[1]).toBe(0x80);
      expect(subjects((await read('x.p7m')).items).sort()).toEqual(['root', 'server']);
    });
  });

  describeWithTool('certtool', 'files made by GnuTLS', (certtool) => {
    it.each(['aes-128', 'aes-256', 'arcfour'])('PKCS #12 with %s', async (cipher) => {
      const { code, stderr } = await run(
        certtool,
        [
          ...['--to-p12', '--load-privkey', 'rsa.pem', '--load-certificate', 'server.pem', '--p12-name', 'vcs'],
          ...['--password', 'secret', '--pkcs-cipher', cipher, '--outder', '--outfile', 'x.p12'],
        ],
        { cwd: folder },
      );
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      if (cipher === 'arcfour')
        return expect(read('x.p12', 'secret')).rejects.toMatchObject({ code: 'CONTAINER_UNSUPPORTED' });
      const { items } = await read('x.p12', 'secret');
      expect(subjects(items).sort()).toEqual(['key', 'server']);
      expect(items.some((item) => isKey(item, rsa))).toBe(true);
    });
  });
});
