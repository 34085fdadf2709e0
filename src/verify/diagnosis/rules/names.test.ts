import { describe, expect, it } from 'vitest';
import { encodeDer, oid, sequence, Tag } from '../../../x509/der.ts';
import { encodeName } from '../../../x509/name.ts';
import { bundle, files, found, holder, material, type PeerChange, peerCertificate } from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const server = (change: PeerChange, name?: Buffer) => ({
  ...healthy,
  'expe1/server.pem': peerCertificate(name ? holder(name, m.peer.key) : m.peer, m.issuing, change),
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
