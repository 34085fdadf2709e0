import { describe, expect, it } from 'vitest';
import { encodeName } from '../../../x509/name.ts';
import { authorityCertificate, bundle, files, found, holder, material, peerCertificate } from '../testing/evidence.ts';

const m = material();
const temporary = (what: string) => {
  const name = `Temporary ${what} 6f1d3f4e-8c7b-4a59-9a3c-0d2f6b8e1c55`;
  return encodeName({ organization: name, organizationalUnit: name, commonName: name });
};

describe('D33, requirement 7: the temporary certificate of a new appliance', () => {
  const ca = holder(temporary('CA'));

  it('refuses it', async () => {
    const leaf = peerCertificate(holder(temporary('Certificate')), ca, { usages: [], names: [] });
    const [first] = found(await files({ 'server.pem': leaf, 'ca.pem': authorityCertificate(ca) }));
    expect(first).toBe('FACTORY_CERTIFICATE D33 error server.pem');
  });

  it('warns of its authority on the trust list', async () => {
    const trusted = m.rootPem + m.issuingPem + authorityCertificate(ca);
    expect(found(await files({ ...bundle(m), 'expe1/ca.pem': trusted }))).toEqual([
      'FACTORY_CERTIFICATE D33 warning expe1/ca.pem',
    ]);
  });

  it('knows it by the whole of its name', async () => {
    const lab = authorityCertificate(holder('Temporary CA for the lab'));
    expect(found(await files({ 'ca.pem': lab }))).toEqual([]);
  });
});
