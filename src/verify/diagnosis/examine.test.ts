import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../errors.ts';
import { rules } from '../../topology/findings.ts';
import { requirements } from '../../topology/requirements.ts';
import { encodeName } from '../../x509/name.ts';
import { parseApplianceLog } from './appliance-log.ts';
import { diagnoses } from './diagnoses.ts';
import { evidenceRules, examine } from './examine.ts';
import { bundle, days, derOf, files, found, holder, log, material, now, peerCertificate } from './testing/evidence.ts';

const m = material();

describe('the rules on evidence', () => {
  it('have codes that are neither those of rules on declarations nor those of errors', () => {
    const codes = evidenceRules.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    const others: string[] = [...rules.map(({ code }) => code), ...Object.keys(errorCodes)];
    expect(codes.filter((code) => others.includes(code))).toEqual([]);
  });

  it('name diagnoses and requirements that there are', () => {
    const known = new Set(diagnoses.map(({ id }) => id));
    for (const { diagnosis, holds, title } of evidenceRules) {
      if (diagnosis) expect(known).toContain(diagnosis);
      expect(holds.every((number) => number >= 1 && number <= requirements.length)).toBe(true);
      expect(title).toMatch(/\.$/);
    }
  });
});

describe('what was found', () => {
  it('has errors first, and among equals the cause before what follows', async () => {
    const server = peerCertificate(m.peer, m.issuing, { names: [], usages: ['serverAuth'] });
    const artefacts = await files({ ...bundle(m), 'expe1/server.pem': server, 'expe1/ca.pem': m.rootPem });
    expect(found([log('a.log', 'CRL has expired'), ...artefacts])).toEqual([
      'INTERMEDIATE_MISSING D07 error expe1/server.pem',
      'LOG_CRL_EXPIRED D15 error a.log:1',
      'CLIENT_AUTH_MISSING D14 warning expe1/server.pem',
      'ALTERNATIVE_NAMES_MISSING D11 warning expe1/server.pem',
    ]);
  });

  it('cannot steer a terminal by the names in a certificate or of a file', async () => {
    const name = encodeName({ commonName: 'expe1' }).toString('latin1').replace('expe1', '\u001b[2J\n');
    const subject = holder(Buffer.from(name, 'latin1'));
    const artefacts = await files({ 'a\u0007.pem': peerCertificate(subject, m.issuing, { names: [], end: days(-1) }) });
    const { findings, notChecked } = examine({ artefacts, now });
    expect(findings).not.toEqual([]);
    expect(JSON.stringify({ findings, notChecked })).not.toMatch(/\\u00|\\n/);
  });

  it('is said once of a certificate that lies in several places', async () => {
    const server = peerCertificate(m.peer, m.issuing, { names: ['*.example.com'] });
    const artefacts = await files({ 'a/server.pem': server, 'b/server.pem': server });
    expect(found(artefacts)).toEqual(['WILDCARD_CERTIFICATE D18 error a/server.pem']);
  });
});

describe('what could not be checked', () => {
  it('is said with what it would take', async () => {
    const { notChecked } = examine({
      artefacts: await files({ 'server.pem': peerCertificate(m.peer, m.issuing) }),
      now,
    });
    expect(notChecked).toEqual([
      'chain of server.pem: no trust list lies with it',
      'release: not said, so only what holds for all of them was checked; --release X15.4 checks more',
      'Peer addresses, domains, phone security profiles and chat node aliases: which names are needed takes a topology',
    ]);
  });

  it('is the revocation where there is no list', async () => {
    const { 'expe1/crl.pem': _, ...without } = bundle(m);
    const { notChecked } = examine({ artefacts: await files(without), now });
    expect(notChecked).toContain('revocation of expe1/server.pem: no revocation list lies with it');
    expect(examine({ artefacts: await files(bundle(m)), now }).notChecked.join()).not.toContain('revocation');
  });

  it('is what no appliance is given, what is packed (56), and the end of a large log', async () => {
    const artefacts = await files({
      'dh.pem': '-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n',
    });
    const packed = Buffer.from([0x1f, 0x8b, 8, 0]);
    const { findings, notChecked } = examine({
      artefacts: [
        ...artefacts,
        ...(await files({ 'crl.gz': packed })),
        { path: 'a.log', kind: 'log', events: parseApplianceLog('CRL has expired'), unread: 5 },
      ],
      now,
    });
    expect(findings.map(({ code }) => code)).toEqual(['LOG_CRL_EXPIRED']);
    expect(notChecked).toEqual([
      'dh.pem: its DH PARAMETERS, which no appliance is given',
      'crl.gz: an archive, which is not opened; give the files in it',
      'a.log: its last 5 bytes; give the lines that matter',
    ]);
  });

  it('is nothing of an authority alone', async () => {
    expect(examine({ artefacts: await files({ 'ca.pem': m.rootPem }), now })).toEqual({ findings: [], notChecked: [] });
  });
});

describe('many certificates', () => {
  it('are examined in bounded time, and that is said', async () => {
    const leaf = derOf(peerCertificate(m.peer, m.issuing)).toString('base64');
    const artefacts = await files({
      ...bundle(m),
      'expe1/server.pem': `-----BEGIN CERTIFICATE-----\n${leaf}\n-----END CERTIFICATE-----\n`,
    });
    const copies = Array.from({ length: 1001 }, (_, index) =>
      artefacts.map((artefact) => ({ ...artefact, path: `${index}/${artefact.path}` })),
    );
    expect(examine({ artefacts: copies.flat(), now }).notChecked).toContain(
      'chains: there are more than 1000 certificates; give fewer folders at a time',
    );
  });
});
