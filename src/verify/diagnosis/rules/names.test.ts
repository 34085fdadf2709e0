import { describe, expect, it } from 'vitest';
import { encodeDer, oid, sequence, Tag } from '../../../x509/der.ts';
import { basicConstraints, extendedKeyUsage, type KeyPurpose, keyUsage } from '../../../x509/extensions.ts';
import { encodeName } from '../../../x509/name.ts';
import { encodePem } from '../../../x509/pem.ts';
import { createRequest } from '../../../x509/request.ts';
import { examine } from '../examine.ts';
import {
  bundle,
  files,
  found,
  holder,
  material,
  newKey,
  now,
  type PeerChange,
  peerCertificate,
  request,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const server = (change: PeerChange, name?: Buffer) => ({
  ...healthy,
  'expe1/server.pem': peerCertificate(name ? holder(name, m.peer.key) : m.peer, m.issuing, change),
});
/** With one more alternative name, of a kind and with octets that nothing here would write. */
const named = (tag: number, name: string, encoding: 'latin1' | 'utf8' = 'utf8') =>
  server({
    extensions: [
      basicConstraints({ authority: false }),
      keyUsage(['digitalSignature']),
      extendedKeyUsage(['serverAuth', 'clientAuth']),
      {
        oid: '2.5.29.17',
        critical: false,
        value: sequence(
          encodeDer(0x82, Buffer.from('expe1.example.com')),
          encodeDer(0x82, Buffer.from('expe.example.com')),
          encodeDer(tag, Buffer.from(name, encoding)),
        ),
      },
    ],
  });

describe('D18, requirement 15: wildcards', () => {
  const wildcard = server({ names: ['expe1.example.com', '*.example.com'] });

  it('refuses them, and warns on X7.2, whose guide is silent', async () => {
    expect(found(await files(wildcard))).toEqual(['WILDCARD_CERTIFICATE D18 error expe1/server.pem']);
    expect(found(await files(wildcard), 'X7.2')).toContain('WILDCARD_CERTIFICATE D18 warning expe1/server.pem');
  });

  it('finds one in the common name', async () => {
    const inCommonName = server({}, encodeName({ commonName: '*.example.com' }));
    expect(found(await files(inCommonName))).toEqual(['WILDCARD_CERTIFICATE D18 error expe1/server.pem']);
  });

  it.each(['vcs*.example.com', 'a.*.example.com'])('finds %s', async (name) => {
    expect(found(await files(named(0x82, name)))).toEqual(['WILDCARD_CERTIFICATE D18 error expe1/server.pem']);
  });
});

describe('RFC 5280 7.2: names are ASCII', () => {
  it('refuses others, in UTF-8 as in Latin-1, and shows their octets', async () => {
    for (const [artefacts, value] of [
      [named(0x82, 'blå.example.com'), 'DNS:bl\\xC3\\xA5.example.com'],
      [named(0x82, 'blå.example.com', 'latin1'), 'DNS:bl\\xE5.example.com'],
      [named(0x86, 'sip:blå.example.com'), 'URI:sip:bl\\xC3\\xA5.example.com'],
    ] as const)
      expect(examine({ artefacts: await files(artefacts), now }).findings).toMatchObject([
        { code: 'ALTERNATIVE_NAME_NOT_ASCII', at: 'expe1/server.pem', value },
      ]);
  });

  it('accepts A-labels', async () => {
    expect(found(await files(named(0x82, 'xn--bl-zia.example.com')))).toEqual([]);
  });
});

describe('D22: the common name', () => {
  it('refuses a certificate without', async () => {
    const without = server({}, encodeName({ organization: 'Example' }));
    expect(found(await files(without))).toEqual(['COMMON_NAME_MISSING D22 error expe1/server.pem']);
  });
});

describe('requirements 11 and 61: alternative names', () => {
  it.each([
    ['X7.2', 'advice'],
    ['X8.1', 'advice'],
    ['X8.11', 'warning'],
    ['X14.0', 'error'],
    [undefined, 'warning'],
  ] as const)('%s: none are %s', async (release, severity) => {
    expect(found(await files(server({ names: [] })), release)).toContain(
      `ALTERNATIVE_NAMES_MISSING D11 ${severity} expe1/server.pem`,
    );
  });
});

describe('D31: 999 characters of names', () => {
  // "DNS:" and 96 characters are 100; nine of them with ", " between are 916, ten are 1018.
  const nameOf = (digit: number) => `${'a'.repeat(40)}.${`${digit}`.repeat(43)}.example.com`;
  const names = (count: number) => Array.from({ length: count }, (_, digit) => nameOf(digit));

  it('refuses more on the releases that ignore the rest, and on no other', async () => {
    expect(nameOf(0)).toHaveLength(96);
    const ten = await files(server({ names: names(10) }));
    expect(found(ten, 'X8.7')).toContain('ALTERNATIVE_NAMES_CUT D31 error expe1/server.pem');
    expect(found(ten, 'X14.3')).toEqual([]);
    expect(found(ten)).toEqual([]);
    expect(found(await files(server({ names: names(9) })), 'X8.7').join()).not.toContain('D31');
  });
});

describe('D32: attributes of the subject', () => {
  const withAttribute = (type: string) => {
    const attribute = (of: string, value: string) =>
      encodeDer(Tag.set, sequence(oid(of), encodeDer(Tag.utf8String, Buffer.from(value))));
    return server({}, sequence(attribute(type, 'GB'), attribute('2.5.4.3', 'expe1.example.com')));
  };

  it('warns of one that is not supported, and knows the place of incorporation of EV certificates', async () => {
    expect(found(await files(withAttribute('1.3.6.1.4.1.99999.1')))).toEqual([
      'NAME_ATTRIBUTE_UNSUPPORTED D32 warning expe1/server.pem',
    ]);
    expect(found(await files(withAttribute('1.3.6.1.4.1.311.60.2.1.3')))).toEqual([]);
  });
});

describe('D13, requirements 12 and 14: the name of the cluster', () => {
  const peer = (name: string, names: readonly string[]) => {
    const own = { ...m, peer: holder(`${name}.example.com`) };
    const certificate = peerCertificate(own.peer, m.issuing, { names: [`${name}.example.com`, ...names] });
    return { ...bundle(own, `edge/${name}`), [`edge/${name}/server.pem`]: certificate };
  };
  const cluster = ['expe.example.com'];

  it('refuses the certificate that lacks it', async () => {
    const artefacts = await files({ ...peer('expe1', cluster), ...peer('expe2', cluster), ...peer('expe3', []) });
    expect(found(artefacts)).toEqual(['CLUSTER_NAME_NOT_SHARED D13 error edge/expe3/server.pem']);
  });

  it('finds it where chat node aliases are shared by both sides of a pair (27b)', async () => {
    const alias = 'chat.example.com';
    const artefacts = await files({
      ...peer('expe1', [...cluster, alias]),
      ...peer('expe2', [...cluster, alias]),
      ...peer('expe3', [alias]),
      ...peer('expc1', ['expc.example.com', alias]),
      ...peer('expc2', ['expc.example.com', alias]),
    });
    expect(found(artefacts)).toEqual(['CLUSTER_NAME_NOT_SHARED D13 error edge/expe3/server.pem']);
  });

  it('finds it where two peers are all there are, and under any order of letters and numbers', async () => {
    const other = 'expe2';
    expect(found(await files({ ...peer('expe1', []), ...peer(other, [...cluster, 'example.com']) }))).toEqual([
      'CLUSTER_NAME_NOT_SHARED D13 error edge/expe1/server.pem',
    ]);
    const alias = 'chat.example.com';
    const inner = { ...peer('expc1', ['expc.example.com', alias]), ...peer('expc2', ['expc.example.com', alias]) };
    const outer = { ...peer('expe1', [alias]), ...peer(other, [...cluster, alias]) };
    expect(found(await files({ ...inner, ...outer }))).toEqual([
      'CLUSTER_NAME_NOT_SHARED D13 error edge/expe1/server.pem',
    ]);
    const lettered = await files({ ...peer('vcs-a', ['vcs.example.com']), ...peer('vcs-b', []) });
    expect(found(lettered)).toEqual(['CLUSTER_NAME_NOT_SHARED D13 error edge/vcs-b/server.pem']);
  });

  it('finds it among hosts without numbers', async () => {
    const name = ['cluster.example.com'];
    const artefacts = await files({ ...peer('alpha', []), ...peer('bravo', name), ...peer('charlie', name) });
    expect(found(artefacts)).toEqual(['CLUSTER_NAME_NOT_SHARED D13 error edge/alpha/server.pem']);
  });

  it('finds it where all lie in one folder', async () => {
    const flat = (name: string, names: readonly string[]) => ({
      [`${name}.pem`]: peerCertificate(holder(`${name}.example.com`), m.issuing, {
        names: [`${name}.example.com`, ...names],
      }),
    });
    const three = { ...flat('expe1', []), ...flat('expe2', cluster), ...flat('expe3', cluster) };
    expect(found(await files(three))).toEqual(['CLUSTER_NAME_NOT_SHARED D13 error expe1.pem']);
    expect(found(await files({ ...flat('expe1', []), ...flat('expe2', cluster) }))).toEqual([
      'CLUSTER_NAME_NOT_SHARED D13 error expe1.pem',
    ]);
    expect(found(await files({ ...flat('expe1', cluster), ...flat('expe2', cluster) }))).toEqual([]);
  });

  it('finds it where it is the common name alone (X14.0)', async () => {
    const named = (name: string, names: readonly string[]) => ({
      [`${name}/server.pem`]: peerCertificate(holder('video.example.com'), m.issuing, {
        names: [`${name}.example.com`, ...names],
      }),
    });
    const shared = ['video.example.com'];
    expect(found(await files({ ...named('vcs1', [...shared, 'chat.example.com']), ...named('vcs2', shared) }))).toEqual(
      [],
    );
    expect(found(await files({ ...named('vcs1', shared), ...named('vcs2', []) }))).toEqual([
      'CLUSTER_NAME_NOT_SHARED D13 error vcs2/server.pem',
    ]);
  });

  it('takes a common name that others share for that of the cluster, and the peer without it for one', async () => {
    const video = (name: string) =>
      peerCertificate(holder('video.example.com'), m.issuing, { names: [`${name}.example.com`, 'video.example.com'] });
    const artefacts = await files({
      ...peer('vcs3', []),
      'edge/vcs1/server.pem': video('vcs1'),
      'edge/vcs2/server.pem': video('vcs2'),
    });
    expect(found(artefacts)).toEqual(['CLUSTER_NAME_NOT_SHARED D13 error edge/vcs3/server.pem']);
  });

  it('does not guess among hosts that have nothing but the domain in common, or a name that one of three has', async () => {
    const name = ['cluster.example.com'];
    const inner = peer('inner', ['chat.example.com']);
    expect(found(await files({ ...inner, ...peer('bravo', name), ...peer('charlie', name) }))).toEqual([]);
    const three = { ...peer('vcs1', []), ...peer('vcs2', []), ...peer('vcs3', ['vcs.example.com']) };
    expect(found(await files(three))).toEqual([]);
  });

  it('does not take a domain or an alias of two single appliances for the name of a cluster (27)', async () => {
    for (const shared of [
      'example.com',
      'collab-edge.example.com',
      'chat.example.com',
      'conference-2-cluster1.example.com',
    ])
      for (const artefacts of [
        { ...peer('vcs1', [shared]), ...peer('vcs2', [shared]), ...peer('vcs3', []) },
        { ...peer('vcs1', [shared]), ...peer('vcs2', []) },
      ])
        expect(found(await files(artefacts))).toEqual([]);
  });

  it('does not guess to which of two clusters a single appliance belongs', async () => {
    const artefacts = await files({
      ...peer('vcs1', ['east.example.com']),
      ...peer('vcs2', ['east.example.com']),
      ...peer('vcs3', ['west.example.com']),
      ...peer('vcs4', ['west.example.com']),
      ...peer('vcs5', []),
    });
    expect(found(artefacts)).toEqual([]);
  });

  it('does not take many appliances with numbers for one cluster', async () => {
    const singles = [3, 4, 5, 6, 7].map((number) => peer(`expe${number}`, []));
    const artefacts = await files(Object.assign({}, peer('expe1', cluster), peer('expe2', cluster), ...singles));
    expect(found(artefacts)).toEqual([]);
  });

  it('does not take the single appliance beside a cluster for one of its peers', async () => {
    const artefacts = await files({ ...peer('expe1', cluster), ...peer('expe2', cluster), ...peer('expc1', []) });
    expect(found(artefacts)).toEqual([]);
  });
});

describe('requests that nobody has signed yet', () => {
  const asking = async (commonName: string, names: readonly string[]) =>
    files({ 'certcsr.pem': await request(newKey(), commonName, names) });
  const host = 'expe1.example.com';

  it('D18, D31: are refused for what they ask for', async () => {
    expect(found(await asking(host, [host, '*.example.com']))).toEqual(['WILDCARD_CERTIFICATE D18 error certcsr.pem']);
    const many = Array.from({ length: 40 }, (_, index) => `phone-profile-${index}.example.com`);
    expect(found(await asking(host, many), 'X8.7')).toContain('ALTERNATIVE_NAMES_CUT D31 error certcsr.pem');
  });

  it('D22: are warned of for lack of a common name', async () => {
    const content = { subject: {}, dnsNames: [host], purposes: ['serverAuth', 'clientAuth'] } as const;
    const nameless = encodePem('CERTIFICATE REQUEST', await createRequest(newKey(), content));
    expect(found(await files({ 'certcsr.pem': nameless }))).toEqual(['COMMON_NAME_MISSING D22 warning certcsr.pem']);
  });

  it('D14: are to ask for both usages if they ask for anything (21, 22)', async () => {
    const asked = async (...purposes: KeyPurpose[]) => {
      const content = { subject: { commonName: host }, dnsNames: [host], purposes };
      return files({ 'certcsr.pem': encodePem('CERTIFICATE REQUEST', await createRequest(newKey(), content)) });
    };
    expect(found(await asked())).toEqual(['USAGE_NOT_STATED D14 advice certcsr.pem']);
    expect(found(await asked('serverAuth'), 'X14.3')).toEqual(['CLIENT_AUTH_MISSING D14 warning certcsr.pem']);
    expect(found(await asked('serverAuth'), 'X15.5')).toEqual([]);
    expect(found(await asked('serverAuth'))).toEqual([]);
  });

  it('may leave alternative names to the authority until nothing else is looked at (11)', async () => {
    expect(found(await asking(host, []))).toEqual([]);
    expect(found(await asking(host, []), 'X8.1')).toEqual([]);
    expect(found(await asking(host, []), 'X14.3')).toEqual(['ALTERNATIVE_NAMES_MISSING D11 warning certcsr.pem']);
  });

  it('are no matter once there is a certificate, or where they are for an authority', async () => {
    const asked = await request(m.peer.key, host, [host, '*.example.com']);
    expect(found(await files({ ...healthy, 'expe1/certcsr.pem': asked }))).toEqual([]);
    expect(found(await asking('Example UC Issuing CA 2', []), 'X14.3')).toEqual([]);
  });
});
