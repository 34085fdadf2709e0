import { describe, expect, it } from 'vitest';
import { encodeName } from '../../../x509/name.ts';
import {
  bundle,
  days,
  files,
  found,
  holder,
  keyPem,
  material,
  type PeerChange,
  peerCertificate,
  served,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const server = (change: PeerChange, issuer = m.issuing): Record<string, string> => ({
  ...healthy,
  'expe1/server.pem': peerCertificate(m.peer, issuer, change),
});
const serverAuth = { usages: ['serverAuth'] } as const;
const clientKey = holder('expe1.example.com');
const client = (usages: PeerChange['usages'] = ['serverAuth', 'clientAuth']) => ({
  'expe1/client.pem': peerCertificate(clientKey, m.issuing, { usages }),
  'expe1/client-privatekey.pem': keyPem(clientKey.key),
});

describe('D14, requirements 6, 20, 23: usages of the one certificate', () => {
  it('warns of serverAuth alone while nothing is said of the release', async () => {
    expect(found(await files(server(serverAuth)))).toEqual(['CLIENT_AUTH_MISSING D14 warning expe1/server.pem']);
  });

  it.each([
    ['X7.2', 'warning'],
    ['X8.1', 'error'],
    ['X15.3', 'error'],
    ['X15.4', 'warning'],
    ['X15.5', 'warning'],
  ] as const)('%s: %s, as its upload refuses it or not', async (release, severity) => {
    const findings = found(await files(server(serverAuth)), release);
    expect(findings).toContain(`CLIENT_AUTH_MISSING D14 ${severity} expe1/server.pem`);
  });

  it('accepts it beside a client certificate: the two stores of X15.5', async () => {
    const artefacts = await files({ ...server(serverAuth), ...client() });
    expect(found(artefacts, 'X15.5')).toEqual([]);
    expect(found(artefacts)).toEqual([]);
    expect(found(artefacts, 'X15.3')).toEqual(['CLIENT_AUTH_MISSING D14 error expe1/server.pem']);
  });

  it('does not take the certificate before it, or that of another peer, for a client certificate', async () => {
    const before = peerCertificate(m.peer, m.issuing, { begin: days(-300), end: days(60) });
    expect(found(await files({ ...server(serverAuth), 'expe1/old.pem': before }))).toEqual([
      'RENEWAL_LOST D27 error expe1/server.pem',
      'CLIENT_AUTH_MISSING D14 warning expe1/server.pem',
    ]);
    const other = peerCertificate(holder('expc7.example.com'), m.issuing, { names: ['expc7.example.com'] });
    expect(found(await files({ ...server(serverAuth), 'expe1/other.pem': other }))).toEqual([
      'CLIENT_AUTH_MISSING D14 warning expe1/server.pem',
    ]);
  });

  it('accepts a certificate for clients alone in the client store, and nowhere else', async () => {
    const artefacts = await files({ ...server(serverAuth), ...client(['clientAuth']) });
    expect(found(artefacts, 'X15.5')).toEqual([]);
    expect(found(artefacts, 'X14.3')).toContain('SERVER_AUTH_MISSING D14 error expe1/client.pem');
    const alone = await files(server({ usages: ['clientAuth'] }));
    expect(found(alone, 'X15.5')).toEqual(['SERVER_AUTH_MISSING D14 warning expe1/server.pem']);
  });

  it('finds the two stores in folders beside each other, and not those of two peers', async () => {
    const stores = (one: string, two: string) =>
      files({
        [`${one}/server.pem`]: peerCertificate(m.peer, m.issuing, serverAuth),
        [`${two}/certificate.pem`]: peerCertificate(clientKey, m.issuing, { usages: ['clientAuth'] }),
        'ca.pem': m.rootPem + m.issuingPem,
      });
    for (const release of [undefined, 'X15.5'] as const) {
      expect(found(await stores('server', 'client'), release)).toEqual([]);
      expect(found(await stores('expe1', 'expe2'), release)).toEqual([
        'CLIENT_AUTH_MISSING D14 warning expe1/server.pem',
        'SERVER_AUTH_MISSING D14 warning expe2/certificate.pem',
      ]);
    }
  });

  it('requirement 22: warns where nothing is said of usages', async () => {
    expect(found(await files(server({ usages: [] })))).toEqual(['USAGE_NOT_STATED D14 warning expe1/server.pem']);
  });

  it('cannot see the client store of a peer that presents its server certificate', () => {
    const presented = served(
      'expe1.example.com:5061',
      ['expe1.example.com'],
      peerCertificate(m.peer, m.issuing, serverAuth),
      m.issuingPem,
    );
    expect(found([presented], 'X15.5')).toEqual([]);
    expect(found([presented])).toEqual(['CLIENT_AUTH_MISSING D14 warning expe1.example.com:5061']);
    expect(found([presented], 'X14.3')).toEqual(['CLIENT_AUTH_MISSING D14 error expe1.example.com:5061']);
  });
});

describe("D34: what the ACME client gets from Let's Encrypt", () => {
  const acme = holder(encodeName({ country: 'US', organization: "Let's Encrypt", commonName: 'R11' }));
  const { 'expe1/ca.pem': _, 'expe1/crl.pem': __, ...withoutTrust } = server(serverAuth, acme);

  it('is named for its cause', async () => {
    expect(found(await files(withoutTrust))).toEqual(['ACME_CERTIFICATE D34 error expe1/server.pem']);
    expect(found(await files(withoutTrust), 'X14.3')).toEqual(['ACME_CERTIFICATE D34 error expe1/server.pem']);
    expect(found(await files(withoutTrust), 'X15.4')).toEqual(['ACME_CERTIFICATE D34 warning expe1/server.pem']);
  });

  it('is what took the place of a certificate with both usages, before what was lost with it', async () => {
    const old = peerCertificate(m.peer, m.issuing, { begin: days(-300), end: days(60) });
    const artefacts = await files({ ...withoutTrust, 'expe1/old.pem': old });
    for (const release of [undefined, 'X15.4'] as const)
      expect(found(artefacts, release)[0]).toBe('ACME_CERTIFICATE D34 error expe1/server.pem');
  });

  it('is named before the common name that its profile leaves out', async () => {
    const nameless = peerCertificate(holder(encodeName({}), m.peer.key), acme, serverAuth);
    expect(found(await files({ 'server.pem': nameless }))).toEqual([
      'ACME_CERTIFICATE D34 error server.pem',
      'COMMON_NAME_MISSING D22 error server.pem',
    ]);
  });

  it('is healthy beside a client certificate', async () => {
    expect(found(await files({ ...withoutTrust, ...client() }), 'X15.5')).toEqual([]);
  });
});
