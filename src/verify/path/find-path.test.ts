import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeSigned, encodeTbsCertificate, readCertificate } from '../../x509/certificate.ts';
import { basicConstraints } from '../../x509/extensions.ts';
import { subjectPublicKeyInfo } from '../../x509/keys.ts';
import { encodeName } from '../../x509/name.ts';
import { signatureAlgorithmFor, signBytes } from '../../x509/signature.ts';
import { nameConstraints, unknownExtension } from '../../x509/testing/extensions.ts';
import { PathFinder, type PathOptions, type PathSources } from './find-path.ts';
import { type PathCertificate, pathCertificate } from './path-certificate.ts';
import { days, keyIdentifiers, now, paperAuthority, paperCertificate } from './testing/paper-pki.ts';

const root = paperAuthority({ subject: 'Root', notAfter: days(300) });
const issuing = paperAuthority({ subject: 'Issuing', issuer: 'Root', notAfter: days(200) });
const peer = paperCertificate({ subject: 'Peer', issuer: 'Issuing' });

function find(
  target: PathCertificate,
  sources: Omit<Partial<PathSources>, 'crls'>,
  options: Partial<PathOptions> = {},
) {
  const finder = new PathFinder({ anchors: [root], intermediates: [issuing], ...sources });
  return finder.find(target, { at: now, revocation: 'none', ...options });
}

/** The path that was found, or the failure. */
function outcome(...args: Parameters<typeof find>) {
  const verdict = find(...args);
  return verdict.valid ? verdict.path : verdict.failure;
}

describe('a valid path', () => {
  it('goes from the target to the anchor, both of them the objects that were given', () => {
    const path = outcome(peer, {});
    expect(path).toEqual([peer, issuing, root]);
    expect(Array.isArray(path) && path[2] === root).toBe(true);
  });

  it('ends with the certificate that ends first; the anchor only counts where it is checked', () => {
    const until = (options: Partial<PathOptions>, anchor = root) => {
      const verdict = find(peer, { anchors: [anchor] }, options);
      return verdict.valid && verdict.until;
    };
    expect(until({})).toEqual({ at: days(100), what: 'certificate', certificate: peer });
    const ending = paperAuthority({ subject: 'Root', notAfter: days(50) });
    expect(until({}, ending)).toMatchObject({ certificate: peer });
    expect(until({ checkAnchor: true }, ending)).toMatchObject({ at: days(50), certificate: ending });
  });

  it('may be longer than any appliance has', () => {
    const chain = Array.from({ length: 100 }, (_, index) =>
      paperAuthority({ subject: `CA ${index + 1}`, issuer: index === 0 ? 'Root' : `CA ${index}` }),
    );
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA 100' });
    expect(find(target, { intermediates: chain })).toMatchObject({ valid: true, path: { length: 102 } });
  });

  it('is found again without checking a signature again', () => {
    let checks = 0;
    const counted = (certificate: PathCertificate) => ({
      ...certificate,
      isSignedBy: (issuer: PathCertificate) => {
        checks += 1;
        return certificate.isSignedBy(issuer);
      },
    });
    const finder = new PathFinder({ anchors: [root], intermediates: [counted(issuing)] });
    const options = { at: now, revocation: 'none' as const };
    for (const target of [counted(peer), counted(peer)]) {
      finder.find(target, options);
      finder.find(target, options);
    }
    expect(checks).toBe(3);
  });

  it('certificates that are not made yet have no key, and are signed by the one that they name', () => {
    const predicted = (content: PathCertificate, issuer?: PathCertificate): PathCertificate => {
      const certificate = {
        ...content,
        serialNumber: undefined,
        subjectPublicKeyInfo: undefined,
        isSignedBy: (candidate: PathCertificate): boolean => candidate === (issuer ?? certificate),
      };
      return certificate;
    };
    const first = predicted(root);
    const second = predicted(issuing, first);
    const target = predicted(peer, second);
    const impostor = predicted(issuing, predicted(root));
    const found = (anchors: PathCertificate[]) =>
      outcome(target, { anchors, intermediates: [impostor, second, first] });
    expect(found([first])).toEqual([target, second, first]);
    expect(found([])).toEqual({ code: 'not-trusted', certificate: first });
  });

  it('without keys, too, no certificate is in a path twice', () => {
    const keyless = (content: PathCertificate): PathCertificate => ({
      ...content,
      subjectPublicKeyInfo: undefined,
      isSignedBy: (candidate) => candidate.subject.key === content.issuer.key,
    });
    const intermediates = [
      paperAuthority({ subject: 'Issuing', issuer: 'Right' }),
      paperAuthority({ subject: 'Right', issuer: 'Issuing' }),
      issuing,
    ].map(keyless);
    const found = outcome(keyless(peer), { intermediates }, { revocation: 'leaf' });
    expect(found).toMatchObject({ code: 'crl-missing' });
  });

  it('two authorities may share a key', () => {
    const upper = paperAuthority({ subject: 'Upper', issuer: 'Root', key: 'shared' });
    const lower = paperAuthority({ subject: 'Issuing', issuer: 'Upper', key: 'shared', signedBy: 'shared' });
    const target = paperCertificate({ subject: 'Peer', issuer: 'Issuing', signedBy: 'shared' });
    expect(outcome(target, { intermediates: [lower, upper] })).toEqual([target, lower, upper, root]);
  });

  it('the names agree by RFC 5280 7.1, not byte for byte', () => {
    expect(outcome(paperCertificate({ subject: 'Peer', issuer: 'ISSUING ', signedBy: 'Issuing' }), {})).toHaveLength(3);
  });
});

describe('trust anchors', () => {
  it('an authority on the list that another has issued is none, as with OpenSSL without -partial_chain', () => {
    expect(outcome(peer, { anchors: [issuing], intermediates: [] })).toEqual({
      code: 'issuer-not-found',
      certificate: issuing,
    });
  });

  it('but it helps to reach one', () => {
    expect(outcome(peer, { anchors: [issuing, root], intermediates: [] })).toEqual([peer, issuing, root]);
  });

  it('a self-issued certificate for the roll-over of a key is none either', () => {
    const rolledOver = paperAuthority({ subject: 'Root', key: 'new', extensions: keyIdentifiers('new', 'old') });
    const target = paperCertificate({ subject: 'Peer', issuer: 'Root', signedBy: 'new' });
    expect(outcome(target, { anchors: [rolledOver] })).toMatchObject({ code: 'issuer-not-found' });
  });

  it('a target that is one needs no issuer, also when it is another copy', () => {
    const copy = (name: string) => ({ ...paperCertificate({ subject: name }), der: Buffer.from(name) });
    const device = copy('Device');
    expect(outcome(device, { anchors: [copy('Other'), copy('Device')] })).toEqual([device]);
    expect(outcome(device, { anchors: [device] })).toEqual([device]);
    expect(outcome(device, {})).toEqual({ code: 'not-trusted', certificate: device });
  });
});

describe('all paths are tried', () => {
  const cross = (content: Parameters<typeof paperAuthority>[0]) =>
    paperAuthority({ ...content, subject: 'Issuing', key: 'Issuing' });
  const other = paperAuthority({ subject: 'Other Root' });

  it.each([
    ['an expired cross-certificate', cross({ subject: '', issuer: 'Other Root', notAfter: days(-1) })],
    ['one of an authority that is not known', cross({ subject: '', issuer: 'Unknown' })],
    ['one that is no authority', { ...cross({ subject: '', issuer: 'Other Root' }), basicConstraints: undefined }],
    [
      'one with an unknown critical extension',
      cross({ subject: '', issuer: 'Other Root', extensions: [unknownExtension(true)] }),
    ],
    [
      'one that forbids the name',
      cross({ subject: '', issuer: 'Other Root', extensions: [nameConstraints({ excluded: ['CN:Peer'] })] }),
    ],
    [
      'a certificate of the same name with another key',
      paperAuthority({ subject: 'Issuing', issuer: 'Root', key: 'wrong' }),
    ],
    ['its own untrusted root', cross({ subject: '', issuer: 'Issuing' })],
  ])('%s does not hide the valid one, whichever comes first', (_, obstacle) => {
    const old = { ...root, notAfter: days(-1) };
    for (const intermediates of [
      [obstacle, issuing],
      [issuing, obstacle],
    ]) {
      expect(outcome(peer, { anchors: [other, root], intermediates })).toEqual([peer, issuing, root]);
      // RFC 5280 6.1.1 (d): the dates of an anchor do not count.
      expect(outcome(peer, { anchors: [{ ...other, notAfter: days(-1) }, old], intermediates })).toEqual([
        peer,
        issuing,
        old,
      ]);
    }
  });

  it('among thousands of paths through expired certificates', () => {
    const intermediates = Array.from({ length: 12 }, (_, index) => {
      const content = { subject: `CA ${index + 1}`, issuer: index === 0 ? 'Root' : `CA ${index}` };
      const expired = [1, 2, 3].map(() => paperAuthority({ ...content, notAfter: days(-1) }));
      return [...expired, paperAuthority(content)];
    }).flat();
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA 12' });
    expect(find(target, { intermediates })).toMatchObject({ valid: true });
  });

  it('key identifiers choose between keys', () => {
    let tried = 0;
    const wrong = paperAuthority({
      subject: 'Issuing',
      issuer: 'Root',
      key: 'k2',
      extensions: keyIdentifiers('k2', 'r'),
    });
    const right = paperAuthority({
      subject: 'Issuing',
      issuer: 'Root',
      key: 'k1',
      extensions: keyIdentifiers('k1', 'r'),
    });
    const target = paperCertificate({
      subject: 'Peer',
      issuer: 'Issuing',
      signedBy: 'k1',
      extensions: keyIdentifiers('p', 'k1'),
    });
    const counted = {
      ...target,
      isSignedBy: (issuer: PathCertificate) => {
        tried += 1;
        return target.isSignedBy(issuer);
      },
    };
    expect(outcome(counted, { intermediates: [wrong, right] })).toEqual([counted, right, root]);
    expect(tried).toBe(1);
  });

  it('key roll-over: the old key is vouched for by the new one, and the other way round (RFC 4210 4.4)', () => {
    const newRoot = paperAuthority({ subject: 'Root', key: 'new', signedBy: 'new' });
    const oldWithNew = paperAuthority({ subject: 'Root', key: 'old', signedBy: 'new' });
    const oldPeer = paperCertificate({ subject: 'Peer', issuer: 'Root', signedBy: 'old' });
    expect(outcome(oldPeer, { anchors: [newRoot], intermediates: [oldWithNew] })).toEqual([
      oldPeer,
      oldWithNew,
      newRoot,
    ]);
  });

  it('cycles of cross-certificates end', () => {
    const byRight = paperAuthority({ subject: 'Left', issuer: 'Right' });
    const byLeft = paperAuthority({ subject: 'Right', issuer: 'Left' });
    const byRoot = paperAuthority({ subject: 'Right', issuer: 'Root' });
    const target = paperCertificate({ subject: 'Peer', issuer: 'Left' });
    expect(outcome(target, { intermediates: [byRight, byLeft] })).toMatchObject({ code: 'not-trusted' });
    expect(outcome(byRight, { intermediates: [byRight, byLeft] })).toMatchObject({ code: 'not-trusted' });
    expect(outcome(target, { intermediates: [byRight, byLeft, byRoot] })).toEqual([target, byRight, byRoot, root]);
  });
});

describe('what is said when there is none', () => {
  const other = paperAuthority({ subject: 'Other Root' });

  it('whose issuer is not known', () => {
    const verdict = find(peer, { intermediates: [] });
    expect(verdict).toEqual({ valid: false, failure: { code: 'issuer-not-found', certificate: peer }, path: [peer] });
    expect(find(peer, { anchors: [other] })).toMatchObject({
      failure: { code: 'issuer-not-found', certificate: issuing },
      path: [peer, issuing],
    });
  });

  it('which root is not trusted', () => {
    expect(find(peer, { anchors: [other], intermediates: [issuing, root] })).toEqual({
      valid: false,
      failure: { code: 'not-trusted', certificate: root },
      path: [peer, issuing, root],
    });
  });

  it('that the name is right and the key is not', () => {
    const renewed = paperAuthority({ subject: 'Issuing', issuer: 'Root', key: 'new' });
    expect(outcome(peer, { intermediates: [renewed] })).toEqual({
      code: 'signature',
      certificate: peer,
      issuer: renewed,
    });
  });

  it('that the algorithm of a signature is not known, whoever signed: no other key would help', () => {
    const unknown = { ...peer, signatureAlgorithmName: 'md5WithRSAEncryption', isSignedBy: () => false };
    const algorithm = 'md5WithRSAEncryption';
    expect(outcome(unknown, { intermediates: [issuing] })).toEqual({
      code: 'signature-algorithm',
      certificate: unknown,
      algorithm,
    });
    expect(outcome(unknown, { intermediates: [] })).toMatchObject({ code: 'issuer-not-found', certificate: unknown });
    const other = { ...unknown, signatureAlgorithmName: 'sha256WithRSAEncryption' };
    expect(outcome(other, { intermediates: [issuing] })).toMatchObject({ code: 'signature' });
  });

  it('of a root it is that nobody trusts it: its own signature is not looked at', () => {
    const old = { ...root, signatureAlgorithmName: '1.2.840.113549.1.1.99', isSignedBy: () => false };
    expect(outcome(peer, { anchors: [], intermediates: [issuing, old] })).toEqual({
      code: 'not-trusted',
      certificate: old,
    });
    expect(outcome(peer, { anchors: [old], intermediates: [issuing] })).toHaveLength(3);
  });

  it('with other key identifiers it is another authority', () => {
    const renewed = paperAuthority({ subject: 'Issuing', issuer: 'Root', extensions: keyIdentifiers('new', 'r') });
    const target = paperCertificate({ subject: 'Peer', issuer: 'Issuing', extensions: keyIdentifiers('p', 'old') });
    expect(outcome(target, { intermediates: [renewed] })).toEqual({ code: 'issuer-not-found', certificate: target });
  });

  it('an expired cross-certificate under a trusted root rather than an untrusted root', () => {
    const expired = paperAuthority({ subject: 'Issuing', issuer: 'Root', notAfter: days(-1) });
    const selfSigned = paperAuthority({ subject: 'Issuing' });
    for (const intermediates of [
      [expired, selfSigned],
      [selfSigned, expired],
    ])
      expect(find(peer, { intermediates })).toMatchObject({
        failure: { code: 'expired', certificate: expired },
        path: [peer, expired, root],
      });
  });

  it('an untrusted root rather than an unknown issuer, and the furthest of those', () => {
    const selfSigned = paperAuthority({ subject: 'Issuing' });
    const byNobody = paperAuthority({ subject: 'Issuing', issuer: 'Nobody' });
    const byMiddle = paperAuthority({ subject: 'Issuing', issuer: 'Middle' });
    const middle = paperAuthority({ subject: 'Middle', issuer: 'Nobody' });
    for (const order of [
      [byNobody, byMiddle, middle],
      [byMiddle, middle, byNobody],
    ]) {
      expect(outcome(peer, { intermediates: order })).toEqual({ code: 'issuer-not-found', certificate: middle });
      const intermediates = [...order, selfSigned];
      expect(outcome(peer, { intermediates })).toEqual({ code: 'not-trusted', certificate: selfSigned });
    }
  });

  it('an untrusted root rather than an expired target', () => {
    const target = { ...peer, notAfter: days(-1) };
    expect(outcome(target, {})).toEqual({ code: 'expired', certificate: target });
    expect(outcome(target, { anchors: [other], intermediates: [issuing, root] })).toMatchObject({
      code: 'not-trusted',
    });
  });

  it('the attempt that came furthest in validation', () => {
    const short = paperAuthority({ subject: 'Root', pathLength: 0 });
    const named = paperAuthority({
      subject: 'Issuing',
      issuer: 'Root',
      extensions: [nameConstraints({ excluded: ['CN:Peer'] })],
    });
    const below = paperAuthority({ subject: 'Issuing', issuer: 'Middle', pathLength: 0 });
    const middle = paperAuthority({ subject: 'Middle', issuer: 'Root', pathLength: 0 });
    for (const intermediates of [
      [named, below, middle],
      [below, middle, named],
    ]) {
      expect(outcome(peer, { intermediates })).toMatchObject({ code: 'name-constraints', constrainedBy: named });
      expect(outcome(peer, { anchors: [short], intermediates }, { checkAnchor: true })).toMatchObject({
        code: 'path-length',
      });
    }
  });
});

describe('the work is bounded', () => {
  const count = 30;
  const names = (same: boolean) => Array.from({ length: count }, (_, index) => (same ? 'CA' : `CA ${index}`));

  /** Authorities that all certify each other. */
  function mesh(sameSubject: boolean): PathCertificate[] {
    return names(sameSubject).flatMap((subject, index) =>
      names(sameSubject).flatMap((issuer, by) =>
        by === index ? [] : [paperAuthority({ subject, issuer, key: `k${index}`, signedBy: `k${by}` })],
      ),
    );
  }

  it.each([true, false])('30 authorities that certify each other and nobody trusts; one subject: %s', (same) => {
    let checks = 0;
    const intermediates = mesh(same).map((certificate) => ({
      ...certificate,
      isSignedBy: (issuer: PathCertificate) => {
        checks += 1;
        return certificate.isSignedBy(issuer);
      },
    }));
    const target = paperCertificate({ subject: 'Peer', issuer: same ? 'CA' : 'CA 0', signedBy: 'k0' });
    expect(outcome(target, { intermediates })).toEqual({ code: 'too-much-work', certificate: target });
    expect(checks).toBeLessThanOrEqual(250);
  });

  it('a trusted root beside the mesh is found nevertheless', () => {
    const anchor = paperAuthority({ subject: 'CA 0', key: 'k0', signedBy: 'k0' });
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA 0', signedBy: 'k0' });
    expect(outcome(target, { anchors: [anchor], intermediates: mesh(false) })).toEqual([target, anchor]);
  });

  it('a mesh with a trusted root behind it through which no path is valid', () => {
    const excluding = paperAuthority({
      subject: 'CA 9',
      issuer: 'Root',
      key: 'k9',
      signedBy: 'Root',
      extensions: [nameConstraints({ excluded: ['CN:Peer'] })],
    });
    const small = rootedMesh(10).slice(0, -1);
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA 0', signedBy: 'k0' });
    expect(outcome(target, { intermediates: [...small, excluding] })).toEqual({
      code: 'too-much-work',
      certificate: target,
    });
  });

  /** The first `size` authorities of the mesh, the last of them certified by the root as well. */
  function rootedMesh(size: number): PathCertificate[] {
    const members = names(false).slice(0, size);
    const inside = mesh(false).filter(({ subject, issuer }) =>
      [subject, issuer].every(({ commonName = '' }) => members.includes(commonName)),
    );
    const last = `k${size - 1}`;
    return [...inside, paperAuthority({ subject: `CA ${size - 1}`, issuer: 'Root', key: last, signedBy: 'Root' })];
  }

  it('what can be said of the target alone is said without trying every path', () => {
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA 0', signedBy: 'k0', notAfter: days(-1) });
    expect(outcome(target, { intermediates: rootedMesh(10) })).toEqual({ code: 'expired', certificate: target });
  });

  it('neither dead ends nor expired certificates keep the failure of the one sound path from being told', () => {
    const byRoot = paperAuthority({ subject: 'CA 0', issuer: 'Root', key: 'k0', signedBy: 'Root' });
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA 0', signedBy: 'k0' });
    const expired = mesh(false).map((certificate) => ({ ...certificate, notAfter: days(-1) }));
    const deadEnds = mesh(false).filter(({ issuer: { commonName = '' } }) => /^CA [1-9]$/.test(commonName));
    for (const around of [expired, deadEnds.slice(0, 200)]) {
      const found = outcome(target, { intermediates: [...around, byRoot] }, { revocation: 'leaf' });
      expect(found).toMatchObject({ code: 'crl-missing', issuer: byRoot });
    }
  });

  it('where the budget ran out nothing is taken for known', () => {
    const namesakes = Array.from({ length: 300 }, (_, index) =>
      paperAuthority({ subject: 'Issuing', issuer: 'Root', key: `k${index}` }),
    );
    const target = paperCertificate({ subject: 'Peer', issuer: 'Issuing', signedBy: 'k299' });
    const finder = new PathFinder({ anchors: [root], intermediates: namesakes });
    const again = () => finder.find(target, { at: now, revocation: 'none' });
    expect(again()).toMatchObject({ failure: { code: 'too-much-work' } });
    expect(again()).toMatchObject({ valid: true });
  });

  it('issuers of trust anchors are not looked for', () => {
    const anchor: PathCertificate = {
      ...root,
      isSignedBy: () => {
        throw new Error('looked for');
      },
    };
    const namesake = paperAuthority({ subject: 'Root', key: 'another' });
    expect(outcome(peer, { anchors: [anchor], intermediates: [issuing, namesake] })).toHaveLength(3);
  });

  it('certificates that were given several times are taken once', () => {
    const chain = Array.from({ length: 8 }, (_, index) => ({
      ...paperAuthority({ subject: `CA ${index + 1}`, issuer: index === 0 ? 'Root' : `CA ${index}` }),
      der: Buffer.of(index),
    }));
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA 8' });
    const intermediates = [chain, chain, chain, chain].flatMap((certificates) =>
      certificates.map((each) => ({ ...each })),
    );
    expect(outcome(target, { intermediates }, { revocation: 'leaf' })).toMatchObject({ code: 'crl-missing' });
  });

  it('a thousand authorities of one name and key, and none of them trusted', () => {
    const intermediates = Array.from({ length: 1000 }, (_, index) =>
      paperAuthority({ subject: 'Issuing', issuer: `Nobody ${index}` }),
    );
    expect(outcome(peer, { intermediates })).toMatchObject({ code: 'issuer-not-found' });
  });
});

it('real certificates: the key decides, and a changed octet is noticed', () => {
  const keys = [1, 2, 3].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const issue = (subject: string, issuer: string, own: number, by: number) => {
    const [key, signer] = [keys[own], keys[by]];
    if (!key || !signer) throw new Error('three keys');
    const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(signer));
    const tbs = encodeTbsCertificate(
      {
        serialNumber: 5n,
        issuer: encodeName({ commonName: issuer }),
        subject: encodeName({ commonName: subject }),
        notBefore: days(-1),
        notAfter: days(1),
        subjectPublicKeyInfo: subjectPublicKeyInfo(key),
        extensions: [basicConstraints({ authority: true })],
      },
      algorithm,
    );
    return encodeSigned(tbs, algorithm, signBytes(signer, tbs));
  };
  const read = (der: Buffer) => pathCertificate(readCertificate(der, 'test'));
  const anchors = [read(issue('Root', 'Root', 0, 0))];
  const intermediates = [read(issue('Issuing', 'Root', 1, 0))];
  const target = issue('Peer', 'Issuing', 2, 1);
  expect(outcome(read(target), { anchors, intermediates })).toHaveLength(3);
  const changed = Buffer.from(target);
  changed[changed.indexOf('Peer')] = 0x70;
  expect(outcome(read(changed), { anchors, intermediates })).toMatchObject({ code: 'signature' });
  expect(outcome(read(issue('Peer', 'Issuing', 2, 0)), { anchors, intermediates })).toMatchObject({
    code: 'signature',
  });
});
