import { describe, expect, it } from 'vitest';
import { examine } from '../examine.ts';
import { files, found, log, material, now, peerCertificate } from '../testing/evidence.ts';

const event = (fields: string) => `tvcs: Event="Outbound TLS Negotiation Error" Service="SIP" ${fields} Protocol="TLS"`;

/** What appliances, their REST interface and openssl say, and the fault behind it. */
const lines: readonly [string, string][] = [
  ['x509_check_private_key:key values mismatch', 'D01'],
  ['Certificate and private key do not match', 'D01'],
  ['Upload failed: the server certificate does not match the private key', 'D01'],
  ['{"Message":"Conflict"}', 'D02'],
  ["{'Message': 'Conflict'}", 'D02'],
  ['HTTPError: 409 Client Error: Conflict for url: https://192.0.2.9/api/provisioning/certs/generate_csr', 'D02'],
  ['A certificate signing request is in progress', 'D02'],
  ['Cannot upload a private key while a CSR is in progress', 'D02'],
  ['HTTP/1.1 409 Conflict', 'D02'],
  ['error:06065064:digital envelope routines:EVP_DecryptFinal_ex:bad decrypt', 'D04'],
  ['Invalid private key: the key is password protected', 'D04'],
  ['Private key is encrypted', 'D04'],
  ['Enter pass phrase for privatekey.pem:', 'D04'],
  ['Certificate Format Invalid', 'D05'],
  ['unable to load certificate', 'D05'],
  ['Could not read certificate from certcsr.der', 'D05'],
  ['Untrusted CA Certificate Chain', 'D06'],
  [event('Detail="unable to get local issuer certificate"'), 'D07'],
  ['error:14094416:SSL routines:ssl3_read_bytes:sslv3 alert certificate unknown', 'D08'],
  ['verify error:num=21:unable to verify the first certificate', 'D08'],
  ['tlsv1 alert unknown ca', 'D08'],
  ['TLSv1.2 Record Layer: Alert (Level: Fatal, Description: Certificate Unknown)', 'D08'],
  ['verify error:num=2:unable to get issuer certificate', 'D09'],
  [event('Detail="self signed certificate in certificate chain"'), 'D10'],
  ['Verify return code: 18 (self-signed certificate)', 'D10'],
  ['verify error:num=19:self-signed certificate in certificate chain', 'D10'],
  [event('Detail="Peer\'s TLS certificate identity was unacceptable" Common-name="expe1.example.com"'), 'D11'],
  ['verify error:num=62:hostname mismatch', 'D11'],
  [event('Detail="Peer\'s TLS certificate identity was unacceptable" Common-name="10.0.0.7"'), 'D12'],
  [event('Detail="Peer\'s TLS certificate identity was unacceptable" Common-name="2001:db8::7"'), 'D12'],
  ['verify error:num=64:IP address mismatch', 'D12'],
  ['verify error:num=26:unsuitable certificate purpose', 'D14'],
  ['SSL alert number 43', 'D14'],
  ['TLSv1.2 Record Layer: Alert (Level: Fatal, Description: Unsupported Certificate)', 'D14'],
  ['verify error:num=12:CRL has expired', 'D15'],
  ['Verify return code: 12 (CRL has expired)', 'D15'],
  ['verify error:num=3:unable to get certificate CRL', 'D16'],
  ['Module="network.ldap" Detail="unable to get certificate CRL"', 'D17'],
  ['Event="Registration Rejected" Detail="403 Forbidden" Protocol="TLS"', 'D20'],
  ['traffic_server: WARNING: Core server certificate verification failed for (cucm1.example.com)', 'D25'],
  ["traffic_server[4711]: SSL connection failed for 'cucm1.example.com': sslv3 alert certificate unknown", 'D25'],
  ['error 66 at 0 depth lookup: EE certificate key too weak', 'D29'],
  ['error:0A00018F:SSL routines::ee key too small', 'D29'],
  ['verify error:num=68:CA signature digest algorithm too weak', 'D30'],
  ['Event="Authentication Failed" Service="Traversal" Detail="traversal client authentication failed"', 'D35'],
  ['Event="Authentication Failed" Service="SIP" Detail="Incorrect authentication credential for user"', 'D35'],
  [event('Detail="No SSL error available, probably remote disconnect"'), 'D35'],
  ['TXT_DB error number 2', 'D36'],
  ['ERROR:There is already a certificate for /C=GB/CN=vcs1.example.com', 'D36'],
  ['certificate has expired', '-'],
  ['Verify return code: 10 (certificate has expired)', '-'],
  ['Verify return code: 23 (certificate revoked)', '-'],
  ['certificate is not yet valid', '-'],
  ['sslv3 alert certificate revoked', '-'],
  ['CRL signature failure', '-'],
];

describe('messages of logs and pages', () => {
  it.each(lines)('%s is %s', (line, diagnosis) => {
    const [first, ...others] = found([log('messages.txt', `before\n${line}\nafter`)]);
    expect(first).toMatch(new RegExp(`^LOG_\\w+ ${diagnosis} error messages\\.txt:2$`));
    expect(others).toEqual([]);
  });

  it('says once what many lines say, where it stands first, and between whom', () => {
    const line = event('Src-ip="10.0.0.1" Src-port="25001" Dst-ip="10.0.0.2" Dst-port="5061" Detail="CRL has expired"');
    const { findings } = examine({ artefacts: [log('a.log', `${line}\n`.repeat(40))], now });
    expect(findings).toMatchObject([
      {
        at: 'a.log:1',
        value: 'CRL has expired',
        message: expect.stringContaining('10.0.0.1:25001 to 10.0.0.2:5061; 40 lines say so'),
      },
    ]);
  });

  it('D11: finds the typo where the certificate is given too', async () => {
    const m = material();
    const certificate = peerCertificate(m.peer, m.issuing, { names: ['callservice.example.com'] });
    const line = event(
      'Detail="Peer\'s TLS certificate identity was unacceptable" Common-name="calllservice.example.com"',
    );
    const artefacts = [log('a.log', line), ...(await files({ 'server.pem': certificate }))];
    const { findings } = examine({ artefacts, now });
    expect(findings[0]?.fix).toContain('the nearest to calllservice.example.com is callservice.example.com');
  });

  it('D11: names no other name where the very name is in a certificate', async () => {
    const m = material();
    const names = ['expe1.example.com', 'expe2.example.com'];
    const line = event('Detail="Peer\'s TLS certificate identity was unacceptable" Common-name="expe1.example.com"');
    const artefacts = [
      log('a.log', line),
      ...(await files({ 'server.pem': peerCertificate(m.peer, m.issuing, { names }) })),
    ];
    expect(examine({ artefacts, now }).findings[0]?.fix).not.toContain('nearest');
  });

  it('D35: says what to look for where nothing is known', () => {
    const { findings, notChecked } = examine({ artefacts: [log('a.log', 'Event="Call Attempted"')], now });
    expect(findings).toEqual([]);
    expect(notChecked[0]).toContain('compare user names and passwords');
  });
});
