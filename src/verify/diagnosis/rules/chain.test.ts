import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeDer, oid, sequence, Tag } from '../../../x509/der.ts';
import { basicConstraints, keyUsage } from '../../../x509/extensions.ts';
import { encodeName } from '../../../x509/name.ts';
import { nameConstraints } from '../../../x509/testing/extensions.ts';
import { examine } from '../examine.ts';
import {
  authorityCertificate,
  bundle,
  files,
  found,
  holder,
  material,
  now,
  peerCertificate,
  revocationList,
} from '../testing/evidence.ts';

const m = material();
const { 'expe1/crl.pem': _, ...healthy } = bundle(m);
const trusting = (ca: string, more = {}) => files({ ...healthy, 'expe1/ca.pem': ca, ...more });
const other = authorityCertificate(holder(encodeName({ commonName: 'Other Root', organization: 'Other' })));

describe('requirements 42 and 49: the whole chain on the own trust list', () => {
  it('accepts it, and roots of others beside it', async () => {
    expect(found(await trusting(m.rootPem + m.issuingPem + other))).toEqual([]);
  });

  it('D06: refuses a list with nothing of it', async () => {
    expect(found(await trusting(other))).toEqual(['CHAIN_NOT_TRUSTED D06 error expe1/server.pem']);
  });

  it('D07: refuses a list with the root alone', async () => {
    expect(found(await trusting(m.rootPem))).toEqual(['INTERMEDIATE_MISSING D07 error expe1/server.pem']);
  });

  it('D06, D07: goes by the names, and by the lists of an earlier time, to tell a root above from a stranger', async () => {
    const codeFor = async (root: string, issuer: string, lists = '') => {
      const issuing = holder(encodeName({ commonName: issuer }));
      const artefacts = await files({
        'server.pem': peerCertificate(m.peer, issuing),
        'ca.pem': authorityCertificate(holder(encodeName({ commonName: root }))),
        ...(lists !== '' && { 'crl.pem': lists + revocationList(issuing) }),
      });
      return found(artefacts)[0]?.split(' ')[1];
    };
    expect(await codeFor('DigiCert Global Root G2', 'DigiCert TLS RSA SHA256 2020 CA1')).toBe('D07');
    expect(await codeFor('Root', 'Issuing')).toBe('D07');
    expect(await codeFor('GlobalSign Root CA', 'DigiCert TLS RSA SHA256 2020 CA1')).toBe('D06');
    expect(await codeFor('Other', 'Issuing')).toBe('D06');
    const other = holder(encodeName({ commonName: 'Other' }));
    expect(await codeFor('Other', 'Issuing', revocationList(other))).toBe('D07');
  });

  it('D06, D07: goes by the organization, while its root has nothing below it on the list', async () => {
    const of = (commonName: string, organization: string) => holder(encodeName({ commonName, organization }));
    const global = of('DigiCert Global Root G2', 'DigiCert Inc');
    const codeFor = async (issuer: ReturnType<typeof of>, ...list: string[]) => {
      const server = peerCertificate(m.peer, issuer);
      return found(await files({ 'server.pem': server, 'ca.pem': list.join('') }))[0]?.split(' ')[1];
    };
    const thawte = of('Thawte TLS RSA CA G1', 'DigiCert Inc');
    expect(await codeFor(thawte, m.rootPem, m.issuingPem, authorityCertificate(global))).toBe('D07');
    expect(await codeFor(of('Thawte TLS RSA CA G1', 'Thawte Inc'), authorityCertificate(global))).toBe('D06');
    const below = authorityCertificate(of('GeoTrust TLS RSA CA G1', 'DigiCert Inc'), global);
    expect(await codeFor(thawte, authorityCertificate(global), below)).toBe('D06');
    // What has the name of its organization in its own would be below a root that has it too.
    expect(
      await codeFor(of('DigiCert EV RSA CA G2', 'DigiCert Inc'), authorityCertificate(of('Baltimore', 'DigiCert Inc'))),
    ).toBe('D06');
  });

  it('D07, D09: tells an authority that is missing between two of the list from a root', async () => {
    const policy = holder('Example UC Policy CA');
    const issuing = authorityCertificate(m.issuing, policy);
    const { findings } = examine({ artefacts: await trusting(m.rootPem + issuing), now });
    expect(findings).toMatchObject([
      {
        code: 'INTERMEDIATE_MISSING',
        at: 'expe1/server.pem',
        value: 'Example UC Policy CA',
        message: expect.stringContaining('Example UC Issuing CA was issued by Example UC Policy CA'),
      },
    ]);
    const former = authorityCertificate(holder('Example UC Root CA 2014'));
    expect(found(await trusting(former + m.issuingPem))).toEqual(['ROOT_MISSING D09 error expe1/server.pem']);
  });

  it('takes a chain beside the file of the root for a part of the list, and not beside a list', async () => {
    const { 'expe1/ca.pem': _, ...peer } = healthy;
    const chain = { 'expe1/chain.pem': m.issuingPem };
    expect(found(await files({ ...peer, ...chain, 'expe1/root.pem': m.rootPem }))).toEqual([]);
    expect(found(await files({ ...peer, ...chain, 'expe1/ca.pem': m.rootPem }))).toEqual([
      'OWN_CHAIN_UNLISTED D08 error expe1/server.pem',
    ]);
  });

  it('D06: knows that a root without room for authorities below it is not above one', async () => {
    const last = [basicConstraints({ authority: true, pathLength: 0 }), keyUsage(['keyCertSign', 'cRLSign'])];
    const root = authorityCertificate(m.root, m.root, { extensions: last });
    expect(found(await trusting(root))).toEqual(['CHAIN_NOT_TRUSTED D06 error expe1/server.pem']);
  });

  it('D07: knows the chain from the folder of another peer', async () => {
    const artefacts = await trusting(m.rootPem, { 'other/ca.pem': m.rootPem + m.issuingPem });
    const { findings } = examine({ artefacts, now });
    expect(findings).toMatchObject([{ code: 'INTERMEDIATE_MISSING', value: 'Example UC Issuing CA' }]);
  });

  it('D08: refuses an intermediate that lies in the file of the certificate alone', async () => {
    const server = `${healthy['expe1/server.pem']}${m.issuingPem}`;
    expect(found(await trusting(m.rootPem, { 'expe1/server.pem': server }))).toEqual([
      'OWN_CHAIN_UNLISTED D08 error expe1/server.pem',
      'CHAIN_IN_SERVER_FILE D26 warning expe1/server.pem',
    ]);
  });

  it('D09: refuses a list that ends below the root', async () => {
    expect(found(await trusting(m.issuingPem))).toEqual(['ROOT_MISSING D09 error expe1/server.pem']);
  });

  it('D23: refuses an issuer of the right name with another key, whether key identifiers tell or not', async () => {
    const stranger = holder(m.issuing.name);
    for (const leaf of [
      peerCertificate(m.peer, stranger),
      peerCertificate(m.peer, stranger, { keyIdentifiers: false }),
    ])
      expect(found(await trusting(m.rootPem + m.issuingPem, { 'expe1/server.pem': leaf }))).toEqual([
        'ISSUER_KEY_DIFFERS D23 error expe1/server.pem',
      ]);
  });

  it('does not call it another key where the algorithm of the signature is not known', async () => {
    const algorithm = { name: 'sm2', der: sequence(oid('1.2.156.10197.1.501')), digest: 'sha256' };
    const artefacts = await trusting(m.rootPem + m.issuingPem, {
      'expe1/server.pem': peerCertificate(m.peer, m.issuing, { algorithm }),
    });
    expect(examine({ artefacts, now }).findings).toMatchObject([
      {
        code: 'CHAIN_INVALID',
        value: 'expe1.example.com',
        message: 'expe1.example.com is signed with 1.2.156.10197.1.501, an algorithm that is not supported',
        fix: 'have it issued anew with SHA-256',
      },
    ]);
  });

  it('D30: leaves MD5 to the rule on digests', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const issuing = holder(m.issuing.name, rsa);
    const algorithm = { name: 'md5', der: sequence(oid('1.2.840.113549.1.1.4'), encodeDer(Tag.null)), digest: 'md5' };
    const artefacts = await trusting(m.rootPem + authorityCertificate(issuing, m.root), {
      'expe1/server.pem': peerCertificate(m.peer, issuing, { algorithm }),
    });
    expect(examine({ artefacts, now }).findings).toMatchObject([
      { code: 'CERTIFICATE_SHA1', diagnosis: 'D30', value: 'md5WithRSAEncryption' },
    ]);
  });

  it('does not take a chain without its root for a trust list', async () => {
    const { 'expe1/ca.pem': _, ...peer } = healthy;
    expect(found(await files({ ...peer, 'expe1/chain.pem': m.issuingPem }))).toEqual([]);
    expect(found(await files({ ...peer, 'expe1/ca.pem': m.issuingPem }))).toEqual([
      'ROOT_MISSING D09 error expe1/server.pem',
    ]);
  });

  it('takes the list of the folder above where a peer has none of its own', async () => {
    const { 'expe1/ca.pem': _, ...peer } = healthy;
    expect(found(await files({ ...peer, 'ca.pem': m.rootPem }))).toEqual([
      'INTERMEDIATE_MISSING D07 error expe1/server.pem',
    ]);
    expect(found(await files({ ...peer, 'ca.pem': m.rootPem + m.issuingPem }))).toEqual([]);
  });
});

describe('RFC 5280 6: what an authority may issue', () => {
  const usual = [basicConstraints({ authority: true }), keyUsage(['keyCertSign', 'cRLSign'])];

  it('refuses a name that it may not issue for', async () => {
    const constrained = authorityCertificate(m.issuing, m.root, {
      extensions: [...usual, nameConstraints({ permitted: ['DNS:example.org'] })],
    });
    expect(found(await trusting(m.rootPem + constrained))).toEqual(['CHAIN_INVALID - error expe1/server.pem']);
  });

  it('refuses more authorities than it allows below it', async () => {
    const extensions = [basicConstraints({ authority: true, pathLength: 0 }), keyUsage(['keyCertSign'])];
    const root = authorityCertificate(m.root, m.root, { extensions });
    expect(found(await trusting(root + m.issuingPem))).toContain('CHAIN_INVALID - error expe1/server.pem');
  });

  it('leaves revocation to the lists', async () => {
    expect(
      found(
        await trusting(m.rootPem + m.issuingPem, {
          'expe1/crl.pem': revocationList(m.root) + revocationList(m.issuing),
        }),
      ),
    ).toEqual([]);
  });
});
