import { describe, expect, it } from 'vitest';
import { keyUsage } from '../../../x509/extensions.ts';
import { authorityCertificate, bundle, files, found, holder, material, peerCertificate } from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const trusting = (issuing: string) => files({ ...healthy, 'expe1/ca.pem': m.rootPem + issuing });

describe('D32: an authority says that it is one', () => {
  it('refuses an issuer without basic constraints', async () => {
    const issuing = authorityCertificate(m.issuing, m.root, { extensions: [keyUsage(['keyCertSign', 'cRLSign'])] });
    expect(found(await trusting(issuing))).toEqual(['BASIC_CONSTRAINTS_MISSING D32 error expe1/ca.pem']);
  });

  it('refuses a root without them, once it has issued something', async () => {
    const root = authorityCertificate(m.root, m.root, { extensions: [] });
    expect(found(await files({ ...healthy, 'expe1/ca.pem': root + m.issuingPem }))).toEqual([
      'BASIC_CONSTRAINTS_MISSING D32 error expe1/ca.pem',
    ]);
  });

  it('says nothing of a self-signed certificate of Unified CM, wherever it stands in a trust list', async () => {
    const node = holder('cucm1.example.com');
    const certificate = peerCertificate(node, node, { names: ['cucm1.example.com'] });
    expect(found(await trusting(m.issuingPem + certificate))).toEqual([]);
    expect(found(await files({ ...healthy, 'expe1/ca.pem': certificate + m.rootPem + m.issuingPem }))).toEqual([]);
    expect(found(await files({ ...healthy, 'expe1/cucm.pem': certificate }))).toEqual([]);
  });
});

describe('RFC 5280 4.2.1.3: what the key of an authority may sign', () => {
  it.each([
    [['cRLSign'], 'error'],
    [['keyCertSign'], 'warning'],
  ] as const)('%j: %s', async (keyUsages, severity) => {
    const issuing = authorityCertificate(m.issuing, m.root, { keyUsages });
    expect(found(await trusting(issuing))).toEqual([`AUTHORITY_KEY_USAGE - ${severity} expe1/ca.pem`]);
  });

  it('takes no key usage, as openssl makes roots, for any', async () => {
    expect(found(await trusting(authorityCertificate(m.issuing, m.root, { keyUsages: [] })))).toEqual([]);
  });

  it('leaves authorities alone that nothing chains to', async () => {
    const other = authorityCertificate(holder('Old Root'), undefined, { keyUsages: ['cRLSign'] });
    expect(found(await trusting(m.issuingPem + other))).toEqual([]);
  });
});
