import { describe, expect, it } from 'vitest';
import { basicConstraints, keyUsage } from '../../x509/extensions.ts';
import {
  certificateIssuer,
  crlNumber,
  deltaCrlIndicator,
  distributionPoints,
  issuingDistributionPoint,
  type PointContent,
  reasonCode,
  type ScopeContent,
  unknownExtension,
} from '../../x509/testing/extensions.ts';
import { PathFinder, type PathOptions, type PathSources } from './find-path.ts';
import type { PathCertificate, PathCrl } from './path-certificate.ts';
import {
  days,
  keyIdentifiers,
  now,
  type PaperCrl,
  paperAuthority,
  paperCertificate,
  paperCrl,
} from './testing/paper-pki.ts';

const root = paperAuthority({ subject: 'Root' });
const peerWith = (...points: readonly PointContent[]) =>
  paperCertificate({
    subject: 'Peer',
    issuer: 'Root',
    extensions: points.length > 0 ? [distributionPoints(...points)] : [],
  });
const peer = peerWith();
const listing = [{ serial: 7n }];
const list = (content: Partial<PaperCrl> = {}) => paperCrl({ issuer: 'Root', ...content });
const scoped = (scope: ScopeContent, content: Partial<PaperCrl> = {}) =>
  list({ ...content, extensions: [issuingDistributionPoint(scope), ...(content.extensions ?? [])] });

function find(
  target: PathCertificate,
  crls: readonly PathCrl[],
  sources: Partial<PathSources> = {},
  options: Partial<PathOptions> = {},
) {
  const finder = new PathFinder({ anchors: [root], intermediates: [], ...sources, crls });
  return finder.find(target, { at: now, revocation: 'all', ...options });
}

/** "valid", the code of the failure, or "unusable: why". */
function outcome(...args: Parameters<typeof find>): string {
  const verdict = find(...args);
  if (verdict.valid) return 'valid';
  const { failure } = verdict;
  return failure.code === 'crl-unusable' ? `unusable: ${failure.why}` : failure.code;
}

describe('a list of the issuer', () => {
  it('is needed, and decides', () => {
    expect(outcome(peer, [])).toBe('crl-missing');
    expect(outcome(peer, [list()])).toBe('valid');
    expect(outcome(peer, [list({ entries: [{ serial: 8n }] })])).toBe('valid');
    expect(outcome(peer, [list({ entries: listing })])).toBe('revoked');
  });

  it('says when and why', () => {
    const crl = list({ entries: [{ serial: 7n, extensions: [reasonCode(1)] }] });
    expect(find(peer, [crl])).toEqual({
      valid: false,
      failure: { code: 'revoked', certificate: peer, revokedAt: days(-5), reason: 'keyCompromise', crl },
      path: [peer, root],
    });
  });

  it('a certificate that is not issued yet is on no list, but needs one', () => {
    const predicted = { ...peer, serialNumber: undefined };
    expect(outcome(predicted, [list({ entries: listing })])).toBe('valid');
    expect(outcome(predicted, [])).toBe('crl-missing');
  });

  it('of another name, or signed by another key, says nothing', () => {
    expect(outcome(peer, [list({ issuer: 'Other', signedBy: 'Root' })])).toBe('crl-missing');
    expect(find(peer, [list({ signedBy: 'other key' })])).toMatchObject({
      failure: { code: 'crl-unusable', why: 'signature', certificate: peer },
    });
  });

  it("with the key identifier of another key is another one's", () => {
    const anchors = [paperAuthority({ subject: 'Root', extensions: keyIdentifiers('one', 'one') })];
    const identified = (id: string) => list({ extensions: keyIdentifiers('', id).slice(1) });
    expect(outcome(peer, [identified('one')], { anchors })).toBe('valid');
    expect(outcome(peer, [identified('two')], { anchors })).toBe('unusable: signature');
  });

  it('the newest by its number counts (RFC 5280 5.2.3), then by its date', () => {
    const released = list({ number: 2n, thisUpdate: days(-3) });
    const held = list({ number: 1n, thisUpdate: days(-2), entries: listing });
    for (const crls of [
      [released, held],
      [held, released],
    ])
      expect(outcome(peer, crls)).toBe('valid');
    const later = list({ number: 2n, thisUpdate: days(-1), entries: listing });
    for (const crls of [
      [released, later],
      [later, released],
    ])
      expect(outcome(peer, crls)).toBe('revoked');
  });

  it('a wrong one does not hide the right one', () => {
    const wrong = list({ number: 9n, signedBy: 'other key', entries: listing });
    expect(outcome(peer, [wrong, list()])).toBe('valid');
  });
});

describe('two authorities of one name', () => {
  const authority = (key: string, serial: bigint) =>
    paperAuthority({ subject: 'CA', issuer: 'Root', key, serial, extensions: keyIdentifiers(key, 'Root').slice(0, 1) });
  const intermediates = [authority('key 1', 1n), authority('key 2', 2n)];
  const leaf = paperCertificate({ subject: 'Peer', issuer: 'CA', signedBy: 'key 2' });
  const of = (signedBy: string, number: bigint, content: Partial<PaperCrl> = {}) =>
    paperCrl({ issuer: 'CA', signedBy, number, ...content });
  const judged = (...crls: readonly PathCrl[]) => outcome(leaf, [list(), ...crls], { intermediates });

  it('number their lists each for itself: that of the key which signed the certificate decides', () => {
    expect(judged(of('key 1', 9n), of('key 2', 2n, { entries: listing }))).toBe('revoked');
    expect(judged(of('key 2', 9n), of('key 1', 2n, { entries: listing }))).toBe('valid');
    expect(judged(of('key 1', 9n, { entries: listing }), of('key 2', 2n))).toBe('valid');
    expect(judged(of('key 2', 2n, { entries: listing }), of('key 2', 3n), of('key 1', 9n, { entries: listing }))).toBe(
      'valid',
    );
  });

  it('or are one that has changed its key, while no list of the old key is of use', () => {
    expect(judged(of('key 1', 9n))).toBe('valid');
    expect(judged(of('key 1', 9n, { entries: listing }))).toBe('revoked');
    const past = of('key 2', 2n, { nextUpdate: days(-1) });
    expect(judged(of('key 1', 9n), past)).toBe('valid');
    expect(judged(of('key 1', 9n, { entries: listing }), past)).toBe('revoked');
    expect(judged(past)).toBe('crl-expired');
  });

  it('the other list counts for the reasons of revocation that the own one leaves open', () => {
    const some = (number: bigint) =>
      of('key 2', number, { extensions: [issuingDistributionPoint({ reasons: [1, 2] })] });
    expect(judged(some(2n))).toBe('crl-missing');
    expect(judged(some(2n), of('key 1', 9n))).toBe('valid');
    expect(judged(some(2n), of('key 1', 9n, { entries: listing }))).toBe('revoked');
  });

  it('6.3.3 (c), (h): a delta CRL goes with a complete one of its own key', () => {
    const delta = (signedBy: string, content: Partial<PaperCrl> = {}) =>
      of(signedBy, 10n, { ...content, extensions: [deltaCrlIndicator(2n)] });
    expect(judged(of('key 2', 2n), delta('key 1', { entries: listing }))).toBe('valid');
    expect(judged(of('key 1', 9n), of('key 2', 2n), delta('key 2', { entries: listing }))).toBe('revoked');
  });

  it('a list of another place, whose scope has a name, does not come before the own one', () => {
    const scope = { fullName: ['URI:http://pki.example.com/ca.crl'] };
    const pointing = paperCertificate({
      subject: 'Peer',
      issuer: 'CA',
      signedBy: 'key 2',
      extensions: [distributionPoints(scope)],
    });
    const others = of('key 1', 9n, { extensions: [issuingDistributionPoint(scope)] });
    const own = of('key 2', 2n, { entries: listing, extensions: [issuingDistributionPoint({ fullName: ['CN:CA'] })] });
    expect(outcome(pointing, [list(), others, own], { intermediates })).toBe('revoked');
  });
});

describe('RFC 5280 6.3.3 (a), 5.1.2.5: dates', () => {
  it.each([
    ['expired', { nextUpdate: new Date(now.getTime() - 1000) }, 'crl-expired'],
    ['in its last second', { nextUpdate: now }, 'valid'],
    ['in its first second', { thisUpdate: now }, 'valid'],
    ['not yet valid', { thisUpdate: new Date(now.getTime() + 1000) }, 'crl-not-yet-valid'],
    ['without a next update', { nextUpdate: null }, 'unusable: next-update'],
  ])('%s', (_, dates, expected) => {
    expect(outcome(peer, [list(dates)])).toBe(expected);
  });

  it('one that is not yet valid leaves an older one to be used', () => {
    expect(outcome(peer, [list({ number: 5n, thisUpdate: days(1) }), list()])).toBe('valid');
  });

  it('an expired list of the right authority is named rather than a wrong one', () => {
    const wrong = list({ signedBy: 'other key' });
    const expired = list({ nextUpdate: days(-1) });
    for (const crls of [
      [wrong, expired],
      [expired, wrong],
    ])
      expect(find(peer, crls)).toMatchObject({ failure: { code: 'crl-expired', crl: expired } });
  });

  it('the path ends with the list, and says whose it is', () => {
    const verdict = find(peer, [list({ nextUpdate: days(3) })]);
    expect(verdict).toMatchObject({ until: { at: days(3), what: 'revocation list', certificate: root } });
  });
});

describe('RFC 5280 5.2, 5.3: what makes a list unusable', () => {
  it.each([
    [
      'an unknown critical extension',
      list({ extensions: [unknownExtension(true)] }),
      'unusable: unknown-critical-extension',
    ],
    ['an unknown one that is not critical', list({ extensions: [unknownExtension(false)] }), 'valid'],
    [
      'an unknown critical extension of any entry',
      list({ entries: [{ serial: 99n, extensions: [unknownExtension(true)] }] }),
      'unusable: unknown-critical-extension',
    ],
    ['a critical CRL number (5.2.3)', list({ extensions: [crlNumber(1n, true)] }), 'unusable: crl-number'],
  ])('%s', (_, crl, expected) => {
    expect(outcome(peer, [crl])).toBe(expected);
  });

  it('no CRL number', () => {
    const crl = list();
    const extensions = crl.extensions.filter(({ oid }) => oid !== '2.5.29.20');
    expect(outcome(peer, [{ ...crl, crlNumber: undefined, extensions }])).toBe('unusable: crl-number');
  });
});

describe('whose status is asked for', () => {
  const issuing = paperAuthority({ subject: 'Issuing', issuer: 'Root', serial: 3n });
  const target = paperCertificate({ subject: 'Peer', issuer: 'Issuing' });
  const intermediates = [issuing];
  const own = paperCrl({ issuer: 'Issuing' });

  it.each([
    ['none', [], 'valid'],
    ['leaf', [], 'crl-missing'],
    ['leaf', [own], 'valid'],
    ['all', [own], 'crl-missing'],
    ['all', [own, list()], 'valid'],
    ['all', [own, list({ entries: [{ serial: 3n }] })], 'revoked'],
  ] as const)('%s', (revocation, crls, expected) => {
    expect(outcome(target, crls, { intermediates }, { revocation })).toBe(expected);
  });

  it('the failure names the certificate', () => {
    expect(find(target, [own], { intermediates })).toMatchObject({
      failure: { code: 'crl-missing', certificate: issuing, issuer: root },
      path: [target, issuing, root],
    });
  });

  it('the anchor, where it is checked, is on its own list', () => {
    const checked = { checkAnchor: true };
    expect(outcome(root, [], {}, checked)).toBe('crl-missing');
    expect(outcome(peer, [list()], {}, checked)).toBe('valid');
    const revoked = paperAuthority({ subject: 'Root', serial: 1n });
    const crls = [list({ entries: [{ serial: 1n }] })];
    expect(outcome(peer, crls, { anchors: [revoked] })).toBe('valid');
    expect(outcome(peer, crls, { anchors: [revoked] }, checked)).toBe('revoked');
  });

  it('a target that is the anchor is on no list', () => {
    expect(outcome(root, [])).toBe('valid');
  });
});

describe('RFC 5280 6.3.3 (b): scope', () => {
  const authority = paperAuthority({ subject: 'Issuing', issuer: 'Root' });
  const noAuthority = paperCertificate({
    subject: 'Peer',
    issuer: 'Root',
    extensions: [basicConstraints({ authority: false })],
  });

  it.each([
    ['user', peer, 'valid'],
    ['user', noAuthority, 'valid'],
    ['user', authority, 'crl-missing'],
    ['ca', authority, 'valid'],
    ['ca', peer, 'crl-missing'],
    ['ca', noAuthority, 'crl-missing'],
    ['attribute', peer, 'crl-missing'],
    ['attribute', authority, 'crl-missing'],
  ] as const)('only %s certificates', (only, target, expected) => {
    expect(outcome(target, [scoped({ only })])).toBe(expected);
  });

  const one = 'URI:http://a.test/1.crl';
  const two = 'URI:http://a.test/2.crl';

  it.each<[string, PointContent[], ScopeContent, string]>([
    ['the same name', [{ fullName: [one] }], { fullName: [one] }, 'valid'],
    ['one name in common', [{ fullName: [one, two] }], { fullName: ['CN:x', two] }, 'valid'],
    ['another name', [{ fullName: [one] }], { fullName: [two] }, 'crl-missing'],
    ['any of several points', [{ fullName: [one] }, { fullName: [two] }], { fullName: [two] }, 'valid'],
    ['a list for everything', [{ fullName: [one] }], {}, 'valid'],
    ['a list for one point, and a certificate without points', [], { fullName: [one] }, 'crl-missing'],
    ['directory names by RFC 5280 7.1', [{ fullName: ['CN:Point/One'] }], { fullName: ['CN:POINT/ one'] }, 'valid'],
    ['a point that says no name', [{ reasons: [1] }], { fullName: [one] }, 'crl-missing'],
    ['relative to the issuer', [{ relativeName: 'Point' }], { relativeName: 'point' }, 'valid'],
    ['relative, of another name', [{ relativeName: 'Point' }], { relativeName: 'Other' }, 'crl-missing'],
    // 6.3.3, end: other lists of the issuer, as of a point with the issuer's name.
    ['the issuer as the point', [], { fullName: ['CN:Root'] }, 'valid'],
  ])('distribution points: %s', (_, points, scope, expected) => {
    expect(outcome(peerWith(...points), [scoped(scope)])).toBe(expected);
  });

  it('relative names are added to the name of the CRL issuer', () => {
    const added = scoped({ relativeName: 'Point' }, { issuer: 'Org/Unit' });
    const issuer = paperAuthority({ subject: 'Org/Unit' });
    const target = (fullName: string) =>
      paperCertificate({
        subject: 'Peer',
        issuer: 'Org/Unit',
        extensions: [distributionPoints({ fullName: [fullName] })],
      });
    expect(outcome(target('CN:Org/Unit/Point'), [added], { anchors: [issuer] })).toBe('valid');
    expect(outcome(target('CN:Org/Unit'), [added], { anchors: [issuer] })).toBe('crl-missing');
  });
});

describe('RFC 5280 6.3.3 (d), (e), (l): reasons', () => {
  const some = (reasons: number[], content: Partial<PaperCrl> = {}) => scoped({ reasons }, content);

  it('a list for some of them is not enough; several together are', () => {
    expect(outcome(peer, [some([1, 2, 3, 4])])).toBe('crl-missing');
    expect(outcome(peer, [some([1, 2, 3, 4]), some([5, 6, 7, 8])])).toBe('valid');
    expect(outcome(peer, [some([1, 2, 3, 4]), some([5, 6, 7])])).toBe('crl-missing');
    expect(outcome(peer, [some([1, 2, 3, 4, 5, 6, 7, 8])])).toBe('valid');
  });

  it('each of them can revoke', () => {
    const others = some([5, 6, 7, 8], { entries: listing });
    for (const crls of [
      [some([1, 2, 3, 4]), others],
      [others, some([1, 2, 3, 4])],
    ])
      expect(outcome(peer, crls)).toBe('revoked');
  });

  it('a list that adds no reason is not asked', () => {
    const full = list({ number: 2n });
    expect(outcome(peer, [full, some([1], { entries: listing })])).toBe('valid');
    const halves = [some([1, 2, 3, 4], { number: 3n }), some([5, 6, 7, 8], { number: 1n })];
    expect(outcome(peer, [...halves, some([1, 2], { number: 2n, entries: listing })])).toBe('valid');
  });

  it('the point may say for which reasons it is', () => {
    const one = { fullName: ['URI:http://a.test/1.crl'], reasons: [1, 2, 3, 4] };
    const two = { fullName: ['URI:http://a.test/2.crl'], reasons: [5, 6, 7, 8] };
    const lists = [one, two].map(({ fullName }) => scoped({ fullName }));
    expect(outcome(peerWith(one, two), lists)).toBe('valid');
    expect(outcome(peerWith(one, two), lists.slice(1))).toBe('crl-missing');
    const disjoint = scoped({ fullName: one.fullName, reasons: [5, 6] });
    expect(outcome(peerWith(one, two), [disjoint])).toBe('crl-missing');
  });

  it('every list that was needed can end the path', () => {
    const verdict = find(peer, [
      some([1, 2, 3, 4], { nextUpdate: days(2) }),
      some([5, 6, 7, 8], { nextUpdate: days(5) }),
    ]);
    expect(verdict).toMatchObject({ until: { at: days(2) } });
  });
});

describe('RFC 5280 6.3.3 (f), (g): who signs', () => {
  const without = paperCertificate({
    subject: 'Root',
    extensions: [basicConstraints({ authority: true }), keyUsage(['keyCertSign'])],
  });

  it('an authority whose key usage does not allow it', () => {
    expect(outcome(peer, [list()], { anchors: [without] })).toBe('unusable: key-usage');
  });

  const signer = (content: Partial<Parameters<typeof paperCertificate>[0]> = {}) =>
    paperCertificate({
      subject: 'Root',
      key: 'list key',
      signedBy: 'Root',
      serial: 20n,
      extensions: [keyUsage(['cRLSign'])],
      ...content,
    });
  const bySigner = (content: Partial<PaperCrl> = {}) => list({ number: 2n, signedBy: 'list key', ...content });
  /** The status of the signer itself, on a list that only the authority's own key signs. */
  const ofSigner = scoped({ fullName: ['URI:http://a.test/s.crl'] });
  const withPoint = {
    extensions: [keyUsage(['cRLSign']), distributionPoints({ fullName: ['URI:http://a.test/s.crl'] })],
  };

  it('another key of the issuer, with a certificate of its own', () => {
    const intermediates = [signer(withPoint)];
    expect(outcome(peer, [bySigner(), ofSigner], { intermediates })).toBe('valid');
    expect(outcome(peer, [bySigner({ entries: listing }), ofSigner], { intermediates })).toBe('revoked');
    expect(outcome(peer, [bySigner(), ofSigner])).toBe('unusable: signature');
  });

  it('whose own path must be valid, and to the same anchor', () => {
    const other = paperAuthority({ subject: 'Other Root' });
    const anchors = [root, other];
    const listOf = (intermediates: PathCertificate[]) =>
      outcome(peer, [bySigner(), ofSigner, paperCrl({ issuer: 'Other Root' })], { anchors, intermediates });
    expect(listOf([signer({ ...withPoint, notAfter: days(-1) })])).toBe('unusable: signer');
    expect(listOf([signer({ ...withPoint, signedBy: 'nobody' })])).toBe('unusable: signer');
    expect(listOf([signer({ ...withPoint, issuer: 'Other Root', signedBy: 'Other Root' })])).toBe('unusable: signer');
    expect(listOf([signer({ extensions: [keyUsage(['digitalSignature'])] })])).toBe('unusable: key-usage');
  });

  it('who must not be revoked, nor vouch for itself', () => {
    const intermediates = [signer(withPoint)];
    const revoking = scoped({ fullName: ['URI:http://a.test/s.crl'] }, { entries: [{ serial: 20n }] });
    expect(outcome(peer, [bySigner(), revoking], { intermediates })).toBe('unusable: signer');
    expect(outcome(peer, [bySigner()], { intermediates: [signer()] })).toBe('unusable: signer');
  });

  it('with the target alone to be checked, the signer need not be on a list', () => {
    expect(outcome(peer, [bySigner()], { intermediates: [signer()] }, { revocation: 'leaf' })).toBe('valid');
  });

  it('the end of the signer is an end of the path', () => {
    const ending = signer({ ...withPoint, notAfter: days(1) });
    expect(find(peer, [bySigner(), ofSigner], { intermediates: [ending] })).toMatchObject({
      until: { at: days(1), what: 'certificate', certificate: ending },
    });
  });

  it("two signers who are on each other's lists prove nothing", () => {
    const point = (name: string) => ({ fullName: [`CN:${name}`], crlIssuer: [`CN:${name}`] });
    const delegate = (name: string, on: string) =>
      paperCertificate({
        subject: name,
        issuer: 'Root',
        extensions: [keyUsage(['cRLSign']), distributionPoints(point(on))],
      });
    const listOf = (name: string) => scoped({ fullName: [`CN:${name}`], indirect: true }, { issuer: name });
    const intermediates = [delegate('A', 'B'), delegate('B', 'A')];
    expect(outcome(peerWith(point('A')), [listOf('A'), listOf('B')], { intermediates })).toBe('unusable: signer');
  });
});

describe('indirect CRLs (RFC 5280 5.3.3, 6.3.3 b)', () => {
  const signer = paperAuthority({ subject: 'Lists', issuer: 'Root', serial: 30n });
  const intermediates = [signer];
  const target = peerWith({ crlIssuer: ['CN:Lists'] });
  const indirect = (content: Partial<PaperCrl> = {}, scope: ScopeContent = { indirect: true }) =>
    scoped(scope, { issuer: 'Lists', ...content });
  const entry = (serial: bigint, ...issuers: string[]) => ({
    serial,
    ...(issuers.length > 0 && { extensions: [certificateIssuer(...issuers)] }),
  });
  /** The list of the root is for the signer, an authority, and not for the target. */
  const status = (crl: PathCrl) => outcome(target, [crl, scoped({ only: 'ca' })], { intermediates });

  it('of the CRL issuer that the certificate names, and of no other', () => {
    expect(status(indirect())).toBe('valid');
    expect(outcome(peerWith({ crlIssuer: ['CN:Others'] }), [indirect()], { intermediates })).toBe('crl-missing');
    expect(outcome(peerWith({ fullName: ['CN:x'] }), [indirect()], { intermediates })).toBe('crl-missing');
  });

  it('the key of the certificate issuer does not sign under the name of another', () => {
    expect(outcome(target, [indirect({ signedBy: 'Root' })], { intermediates })).toBe('unusable: signature');
  });

  it('the anchor needs no path of its own, whatever its dates (RFC 5280 6.1.1 d)', () => {
    const anchors = [{ ...root, notAfter: days(-1) }];
    const leaf = paperCertificate({
      subject: 'Peer',
      issuer: 'Lists',
      extensions: [distributionPoints({ crlIssuer: ['CN:Root'] })],
    });
    const crls = [scoped({ indirect: true })];
    expect(outcome(leaf, crls, { anchors, intermediates })).toBe('valid');
    expect(outcome(leaf, crls, { anchors, intermediates }, { checkAnchor: true })).toBe('expired');
  });

  it('that a certificate points to come before what else its issuer has published', () => {
    expect(outcome(target, [indirect({ entries: [entry(7n, 'CN:Root')] }), list()], { intermediates })).toBe('revoked');
    expect(outcome(target, [indirect(), list({ entries: listing })], { intermediates })).toBe('valid');
  });

  it('must say that it is indirect', () => {
    expect(outcome(target, [indirect({}, { only: 'user' })], { intermediates })).toBe('crl-missing');
    expect(outcome(target, [paperCrl({ issuer: 'Lists' })], { intermediates })).toBe('crl-missing');
  });

  it('entries are those of the issuer last named, at first of the CRL issuer itself', () => {
    expect(status(indirect({ entries: [entry(7n)] }))).toBe('valid');
    expect(status(indirect({ entries: [entry(7n, 'CN:Root')] }))).toBe('revoked');
    expect(status(indirect({ entries: [entry(1n, 'CN:root '), entry(7n)] }))).toBe('revoked');
    expect(status(indirect({ entries: [entry(1n, 'CN:Root'), entry(2n, 'CN:Other'), entry(7n)] }))).toBe('valid');
    expect(status(indirect({ entries: [entry(1n, 'CN:Other', 'CN:Root'), entry(7n)] }))).toBe('revoked');
    expect(status(indirect({ entries: [entry(7n, 'CN:Other'), entry(7n, 'CN:Root')] }))).toBe('revoked');
    expect(status(indirect({ entries: [entry(7n, 'URI:http://root.test')] }))).toBe('valid');
  });

  it('of the issuer itself may list the certificates of others too', () => {
    const crl = scoped({ indirect: true }, { entries: [entry(7n, 'CN:Other'), entry(8n, 'CN:Root')] });
    expect(outcome(peer, [crl])).toBe('valid');
    expect(outcome({ ...peer, serialNumber: 8n }, [crl])).toBe('revoked');
  });

  it('where the point has no name, that of the CRL issuer has to be in the list', () => {
    expect(status(indirect({}, { indirect: true, fullName: ['CN:Lists'] }))).toBe('valid');
    expect(status(indirect({}, { indirect: true, fullName: ['CN:Elsewhere'] }))).toBe('crl-missing');
  });
});

describe('delta CRLs (RFC 5280 5.2.4, 6.3.3 c, h to k)', () => {
  const base = (content: Partial<PaperCrl> = {}) => list({ number: 5n, ...content });
  const delta = (content: Partial<PaperCrl> = {}, from = 5n) =>
    list({ number: 8n, ...content, extensions: [deltaCrlIndicator(from), ...(content.extensions ?? [])] });
  const removal = [{ serial: 7n, extensions: [reasonCode(8)] }];

  it('alone is not enough', () => {
    expect(outcome(peer, [delta()])).toBe('crl-missing');
  });

  it('adds what was revoked since', () => {
    expect(outcome(peer, [base(), delta({ entries: listing })])).toBe('revoked');
    expect(outcome(peer, [base({ entries: listing }), delta()])).toBe('revoked');
  });

  it('takes off what is no longer revoked, for as long as it lasts', () => {
    const crls = [base({ entries: listing }), delta({ entries: removal, nextUpdate: days(1) })];
    expect(find(peer, crls)).toMatchObject({ valid: true, until: { at: days(1), what: 'revocation list' } });
  });

  it('otherwise its end is not the end of the path', () => {
    const crls = [base({ nextUpdate: days(3) }), delta({ nextUpdate: days(1) })];
    expect(find(peer, crls)).toMatchObject({ valid: true, until: { at: days(3) } });
  });

  it.each([
    ['made from the complete one', 5n, 5n, 'revoked'],
    ['made from an older one', 5n, 3n, 'revoked'],
    ['made from a newer one', 5n, 6n, 'valid'],
    ['of the same number as the complete one', 8n, 5n, 'valid'],
    ['older than the complete one', 9n, 5n, 'valid'],
  ])('%s', (_, number, from, expected) => {
    expect(outcome(peer, [base({ number }), delta({ entries: listing }, from)])).toBe(expected);
  });

  it.each<[string, Partial<PaperCrl>]>([
    ['signed by another key', { signedBy: 'other key' }],
    ['of another scope', { extensions: [issuingDistributionPoint({ only: 'user' })] }],
    ['expired', { nextUpdate: days(-1) }],
    ['not yet valid', { thisUpdate: days(1) }],
    ['with an unknown critical extension', { extensions: [unknownExtension(true)] }],
    ['of another issuer', { issuer: 'Other', signedBy: 'Root' }],
  ])('%s is left alone', (_, content) => {
    expect(outcome(peer, [base(), delta({ entries: listing, ...content })])).toBe('valid');
  });

  it('with other key identifiers is left alone', () => {
    const identified = (id: string) => keyIdentifiers('', id).slice(1);
    const crls = [base({ extensions: identified('one') }), delta({ entries: listing, extensions: identified('two') })];
    expect(outcome(peer, crls)).toBe('valid');
  });

  it('of the same scope is used', () => {
    const scope = { extensions: [issuingDistributionPoint({ only: 'user' as const })] };
    expect(outcome(peer, [base(scope), delta({ entries: listing, ...scope })])).toBe('revoked');
  });

  it('the newest of them counts', () => {
    const newer = delta({ number: 9n, entries: removal });
    const older = delta({ number: 8n, entries: listing });
    for (const crls of [
      [newer, older],
      [older, newer],
    ])
      expect(outcome(peer, [base(), ...crls])).toBe('valid');
  });
});
