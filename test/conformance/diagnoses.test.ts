import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEvidenceFolder } from '../../src/cli/check/files.ts';
import { examine } from '../../src/verify/diagnosis/examine.ts';
import { log } from '../../src/verify/diagnosis/testing/evidence.ts';
import { describeWithTool, run } from '../support/tools.ts';

/** The recipes of the three guides (requirements 64-78), followed to the letter with the openssl of this machine. */

describeWithTool('openssl', 'the recipes of the guides', (openssl) => {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-recipes-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  let systemConfig = '';
  beforeAll(async () => {
    const { stdout } = await run(openssl, ['version', '-d']);
    systemConfig = readFileSync(join(/"(.*)"/.exec(stdout)?.[1] ?? '', 'openssl.cnf'), 'utf8');
  });

  /** A shell in a folder: commands as they are printed, and what is typed at their prompts. */
  function shell(...path: string[]) {
    const cwd = join(folder, ...path);
    mkdirSync(cwd, { recursive: true });
    const attempt = (command: string, typed = '') => run(openssl, command.split(' ').slice(1), { cwd, input: typed });
    const type = async (command: string, typed = ''): Promise<void> => {
      const { code, stderr } = await attempt(command, typed);
      expect(code, `${command}\n${stderr}`).toBe(0);
    };
    return { cwd, attempt, type, write: (name: string, text: string) => writeFileSync(join(cwd, name), text) };
  }

  /** Country, state, locality, organization, unit, common name; the rest may be left blank (66). */
  const prompts = (commonName: string) => `GB\nBerkshire\nReading\nExample\nVideo\n${commonName}\n\n\n\n`;
  const SIGN = 'y\ny\n';
  /** In place of the prompt for the password, which openssl asks of a terminal alone (71, 77). */
  const PASSWORD = '-passin pass:secret';

  const diagnose = async (shown: string, ...path: string[]) => {
    const { artefacts } = await readEvidenceFolder(join(folder, ...path), shown, undefined);
    const { findings } = examine({ artefacts, now: new Date() });
    // An end beyond 2049 (D32) comes of the day on which openssl signs, not of the recipe.
    return findings
      .filter(({ code }) => code !== 'END_AFTER_2049')
      .map(({ code, diagnosis = '-', severity, at }) => `${code} ${diagnosis} ${severity} ${at}`);
  };

  /** Requirements 64 to 68: extensions in the request only where the guide has them. */
  async function requestByOpenssl(at: ReturnType<typeof shell>, config: string, extensions: readonly string[]) {
    const edited = systemConfig
      .replace(/^# *(req_extensions *= *v3_req.*)$/m, extensions.length > 0 ? '$1' : '# $1')
      .replace(/^\[ *v3_req *\]$/m, (section) => [section, ...extensions].join('\n'));
    at.write(config, edited);
    await at.type('openssl genrsa -out privatekey.pem 2048');
    await at.type(
      `openssl req -new -key privatekey.pem -config ${config} -out certcsr.der -outform DER -sha1`,
      prompts('vcs1.example.com'),
    );
  }

  describe('X7.2: an authority, and a certificate for a single VCS', () => {
    beforeAll(async () => {
      const at = shell('x7.2');
      await requestByOpenssl(at, 'openssl_vcs.cfg', []);
      at.write('openssl.cfg', systemConfig);
      const demoCA = shell('x7.2', 'demoCA');
      demoCA.write('index.txt', '');
      demoCA.write('serial', '1000\n');
      await at.type('openssl genrsa -aes256 -passout pass:secret -out ca.key 4096');
      await at.type(
        `openssl req -new -x509 -key ca.key -config openssl.cfg -sha1 -extensions v3_ca -out ca.crt ${PASSWORD}`,
        prompts('Contact Person'),
      );
    });

    it('requirement 74: the printed conversion of the request fails, and the message is known', async () => {
      const { code, stderr } = await shell('x7.2').attempt(
        'openssl x509 -in certcsr.der -inform DER -out certcsr.pem -outform PEM',
      );
      expect(code).not.toBe(0);
      const { findings } = examine({ artefacts: [log('messages', stderr)], now: new Date() });
      expect(findings[0]).toMatchObject({ code: 'LOG_FORMAT_INVALID', diagnosis: 'D05' });
    });

    it('requirement 74: without the PEM of it the request is found to be DER', async () => {
      expect(await diagnose('ca', 'x7.2')).toContain('FILE_NOT_PEM D05 warning ca/certcsr.der');
    });

    it('its certificate has SHA-1, no names, no usages, and an authority of 30 days', async () => {
      const at = shell('x7.2');
      await at.type('openssl req -in certcsr.der -inform DER -out certcsr.pem -outform PEM');
      await at.type(
        `openssl ca -outdir . -config openssl.cfg -cert ca.crt -keyfile ca.key -in certcsr.pem -out server.pem -md sha1 ${PASSWORD}`,
        SIGN,
      );
      const found = await diagnose('ca', 'x7.2');
      expect(found).toEqual([
        expect.stringMatching(/^CERTIFICATE_SHA1 D30 error ca\/(1000|server)\.pem$/),
        'AUTHORITY_OF_DAYS - error ca/ca.crt',
        expect.stringMatching(/^USAGE_NOT_STATED D14 warning ca\/(1000|server)\.pem$/),
        expect.stringMatching(/^ALTERNATIVE_NAMES_MISSING D11 warning ca\/(1000|server)\.pem$/),
        expect.stringMatching(/^REQUEST_SHA1 D30 warning ca\/certcsr\.(der|pem)$/),
        expect.stringMatching(/^REQUEST_SHA1 D30 warning ca\/certcsr\.(der|pem)$/),
        'UNIQUE_SUBJECT D36 advice ca/demoCA/index.txt.attr',
      ]);
    });

    it('requirement 76: a renewal fails; the index that was emptied after it is found', async () => {
      const at = shell('x7.2');
      const { code, stderr } = await at.attempt(
        `openssl ca -outdir . -config openssl.cfg -cert ca.crt -keyfile ca.key -in certcsr.pem -out again.pem -md sha1 ${PASSWORD}`,
        SIGN,
      );
      expect(code).not.toBe(0);
      const { findings } = examine({ artefacts: [log('messages', stderr)], now: new Date() });
      expect(findings.map(({ code: found }) => found)).toEqual(['LOG_INDEX_CLASH']);
      shell('x7.2', 'demoCA').write('index.txt', '');
      expect((await diagnose('ca', 'x7.2'))[0]).toBe('INDEX_LOST D36 error ca/demoCA/index.txt');
    });

    it('requirement 78: its self-signed certificate is known by its key', async () => {
      const at = shell('self-signed');
      at.write('openssl.cfg', systemConfig);
      await at.type('openssl genrsa -out privatekey.pem 2048');
      await at.type(
        'openssl req -new -x509 -key privatekey.pem -config openssl.cfg -out server.pem',
        prompts('vcs1.example.com'),
      );
      expect(await diagnose('vcs', 'self-signed')).toEqual([
        'CERTIFICATE_SELF_SIGNED D10 error vcs/server.pem',
        'USAGE_NOT_STATED D14 warning vcs/server.pem',
        'ALTERNATIVE_NAMES_MISSING D11 warning vcs/server.pem',
      ]);
    });
  });

  // The two X8.1 guides print the same commands; they differ in what they call the product.
  describe.each(['vcs', 'expressway'])(
    'X8.1, the guide for %s: an authority, and a certificate for a cluster',
    (guide) => {
      const names = `DNS:${guide}.example.com,DNS:vcs1.example.com,DNS:vcs2.example.com`;
      const sign = `openssl ca -config openssl_local.cfg -cert cacert.pem -keyfile private/cakey.pem -in certcsr.pem -out certs/server.pem -md sha1 ${PASSWORD}`;

      beforeAll(async () => {
        const demoCA = shell(guide, 'demoCA');
        for (const name of ['certs', 'newcerts', 'private']) shell(guide, 'demoCA', name);
        demoCA.write('index.txt', '');
        demoCA.write('serial', '10\n');
        demoCA.write(
          'openssl_local.cfg',
          systemConfig
            .replace(/^# *(copy_extensions *= *copy)$/m, '$1')
            .replace(/^(policy\s*=\s*)policy_match$/m, '$1policy_anything')
            .replace(/^(dir\s*=\s*)\.\/demoCA(.*Where everything)/m, '$1.$2'),
        );
        await demoCA.type('openssl genrsa -aes256 -passout pass:secret -out private/cakey.pem 4096');
        chmodSync(join(demoCA.cwd, 'private/cakey.pem'), 0o600);
        await demoCA.type(
          `openssl req -new -x509 -days 3650 -key private/cakey.pem -config openssl_local.cfg -sha1 -extensions v3_ca -out cacert.pem ${PASSWORD}`,
          prompts('Contact Person'),
        );
        const at = shell(guide);
        const extensions = ['extendedKeyUsage=serverAuth, clientAuth', `subjectAltName="${names}"`];
        await requestByOpenssl(at, 'openssl_request.cfg', extensions);
        demoCA.write('certcsr.der', '');
        writeFileSync(join(demoCA.cwd, 'certcsr.der'), readFileSync(join(at.cwd, 'certcsr.der')));
        await demoCA.type('openssl req -in certcsr.der -inform DER -out certcsr.pem -outform PEM');
        await demoCA.type(sign, SIGN);
      });

      it('its certificate has SHA-1, and all the names and usages', async () => {
        const found = await diagnose('ca', guide);
        expect(found[0]).toBe('CERTIFICATE_SHA1 D30 error ca/demoCA/certs/server.pem');
        expect(found.filter((line) => line.includes(' error '))).toHaveLength(1);
        expect(found.join('\n')).not.toMatch(/D05|D11|D13|D14|AUTHORITY_OF_DAYS/);
        expect(found).toContain('UNIQUE_SUBJECT D36 advice ca/demoCA/index.txt.attr');
      });

      it('requirement 76: emptying index.txt and signing again, as printed, is found', async () => {
        const demoCA = shell(guide, 'demoCA');
        expect((await demoCA.attempt(sign, SIGN)).code).not.toBe(0);
        demoCA.write('index.txt', '');
        await demoCA.type(sign, SIGN);
        expect((await diagnose('ca', guide))[0]).toBe('INDEX_LOST D36 error ca/demoCA/index.txt');
      });
    },
  );
});
