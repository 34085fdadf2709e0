import { describe, expect, it } from 'vitest';
import {
  authorityCertificate,
  bundle,
  days,
  directory,
  files,
  found,
  holder,
  material,
  peerCertificate,
} from '../testing/evidence.ts';

const m = material();
const healthy = bundle(m);
const trusting = (...more: string[]) =>
  files({ ...healthy, 'expe1/ca.pem': [m.rootPem, m.issuingPem, ...more].join('') });

describe('D23, requirement 44: one authority per name', () => {
  it('warns of an old one with the same subject and another key', async () => {
    const old = authorityCertificate(holder(m.issuing.name), m.root, { end: days(30) });
    expect(found(await trusting(old))).toEqual(['AUTHORITY_NAMESAKE D23 warning expe1/ca.pem']);
  });

  it('advises to remove a copy, and an earlier certificate for the same key', async () => {
    const copied = ['AUTHORITY_REPEATED D23 advice expe1/ca.pem'];
    expect(found(await trusting(m.rootPem))).toEqual(copied);
    expect(found(await trusting(authorityCertificate(m.root, m.root, { end: days(300) })))).toEqual(copied);
  });

  it('accepts a cross-certificate, and the same authority in several files', async () => {
    const cross = authorityCertificate(m.root, holder('Bridge CA'));
    expect(found(await trusting(cross))).toEqual([]);
    expect(found(await files({ ...healthy, 'expe1/root.pem': m.rootPem }))).toEqual([]);
  });
});

describe('D24: the trust list is not copied between peers', () => {
  const peer = (name: string, ca: string) => {
    const own = { ...m, peer: holder(`${name}.example.com`) };
    const names = [`${name}.example.com`, 'expe.example.com'];
    return {
      ...bundle(own, `edge/${name}`),
      [`edge/${name}/server.pem`]: peerCertificate(own.peer, m.issuing, { names }),
      [`edge/${name}/ca.pem`]: m.rootPem + m.issuingPem + ca,
    };
  };
  const other = authorityCertificate(holder('Partner Root'));

  it('warns of a peer that lacks what the others trust', async () => {
    const artefacts = await files({ ...peer('expe1', other), ...peer('expe2', '') });
    expect(found(artefacts)).toEqual(['TRUST_LISTS_DIFFER D24 warning edge/expe2']);
  });

  it('accepts the same authorities in another order', async () => {
    const turned = { ...peer('expe2', ''), 'edge/expe2/ca.pem': m.issuingPem + m.rootPem };
    expect(found(await files({ ...peer('expe1', ''), ...turned }))).toEqual([]);
  });

  const seven = (shared: string) =>
    [1, 2, 3, 4, 5, 6, 7].map((number) => {
      const own = holder(`vcs${number}.example.com`);
      const names = [`vcs${number}.example.com`, shared];
      return {
        [`all/${number}/server.pem`]: peerCertificate(own, m.issuing, { names }),
        [`all/${number}/ca.pem`]: m.rootPem + m.issuingPem + (number === 7 ? other : ''),
      };
    });

  it('does not take seven appliances with one name for a cluster', async () => {
    expect(found(await files(Object.assign({}, ...seven('vcs.example.com'))))).toEqual([]);
    expect(found(await files(Object.assign({}, ...seven('vcs.example.com').slice(2))))).toHaveLength(4);
  });

  it('does not take a domain for the name of a cluster (27a)', async () => {
    for (const domain of ['example.com', 'collab-edge.example.com'])
      expect(found(await files(Object.assign({}, ...seven(domain).slice(5))))).toEqual([]);
  });

  it('does not take an inner and an outer appliance for peers that share a chat node alias', async () => {
    const alias = 'chat.example.com';
    const single = (name: string, issuer = m.issuing) =>
      peerCertificate(holder(`${name}.example.com`), issuer, { names: [`${name}.example.com`, alias] });
    const foreign = holder('Public CA');
    const artefacts = await files({
      'inner/server.pem': single('expc1'),
      'inner/ca.pem': m.rootPem + m.issuingPem,
      'outer/server.pem': single('expe1', foreign),
      'outer/ca.pem': m.rootPem + m.issuingPem + authorityCertificate(foreign),
    });
    expect(found(artefacts)).toEqual([]);
  });

  it('compares exported lists without certificates of peers', async () => {
    const lists = (...folders: readonly [string, string]) => {
      const [one, two] = folders;
      return files({ [`${one}/ca.pem`]: m.rootPem + m.issuingPem, [`${two}/ca.pem`]: m.rootPem + other });
    };
    expect(found(await lists('expe1', 'expe2'))).toEqual([
      'TRUST_LISTS_DIFFER D24 warning expe1',
      'TRUST_LISTS_DIFFER D24 warning expe2',
    ]);
    expect(found(await lists('inner', 'outer'))).toEqual([]);
    const generations = ['issuing1', 'issuing2'].map((path) => directory(path, { index: [], newCertificates: [] }));
    expect(found([...generations, ...(await lists('issuing1', 'issuing2'))])).toEqual([]);
  });

  it('accepts different lists of different clusters, which may share a chat node alias (27b)', async () => {
    const single = (name: string, names: readonly string[], ca: string) => {
      const own = holder(`${name}.example.com`);
      return {
        [`all/${name}/server.pem`]: peerCertificate(own, m.issuing, { names: [`${name}.example.com`, ...names] }),
        [`all/${name}/ca.pem`]: m.rootPem + m.issuingPem + ca,
      };
    };
    const inner = single('expc1', ['chat.example.com'], '');
    const outer = single('expe1', ['chat.example.com', 'example.com', 'example.org'], other);
    expect(found(await files({ ...inner, ...outer }))).toEqual([]);
  });
});
