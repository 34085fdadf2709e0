import { describe, expect, it } from 'vitest';
import { readCertificate } from './certificate.ts';
import type { Content } from './contents.ts';
import { encodeDer, oid, sequence, Tag } from './der.ts';
import { orderedChain } from './ordered-chain.ts';
import { type SampleOptions, type SampleParty, sampleCertificate, sampleParty } from './testing/sample-certificate.ts';

const root = sampleParty('root');
const secondary = sampleParty('secondary');
const server = sampleParty('server');
const authority = { authority: true };

const item = (subject: SampleParty, issuer: SampleParty, options?: SampleOptions, localKeyId?: Buffer): Content => ({
  kind: 'certificate',
  certificate: readCertificate(sampleCertificate(subject, issuer, options), 'x'),
  ...(localKeyId && { localKeyId }),
});
const keyOf = ({ key }: SampleParty, localKeyId?: Buffer): Content => ({
  kind: 'key',
  key,
  ...(localKeyId && { localKeyId }),
});

const rootItem = item(root, root, authority);
const secondaryItem = item(secondary, root, authority);
const serverItem = item(server, secondary);

/** What is found, by names. */
function order(items: readonly Content[]) {
  const { key, leaf, chain, others } = orderedChain(items);
  const names = (certificates: typeof chain) => certificates.map(({ subject }) => subject.commonName);
  return { key, leaf: leaf?.subject.commonName, chain: names(chain), others: names(others) };
}

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length <= 1) return [[...values]];
  return values.flatMap((value, index) =>
    permutations(values.filter((_, other) => other !== index)).map((rest) => [value, ...rest]),
  );
}

describe('requirements 85 to 88: the parts of a PFX', () => {
  it('4 parts in any order: key, server, secondary, root', () => {
    for (const items of permutations([keyOf(server), serverItem, rootItem, secondaryItem]))
      expect(order(items)).toEqual({ key: server.key, leaf: 'server', chain: ['secondary', 'root'], others: [] });
  });

  it('3 parts in any order: key, server, root', () => {
    for (const items of permutations([keyOf(server), item(server, root), rootItem]))
      expect(order(items)).toEqual({ key: server.key, leaf: 'server', chain: ['root'], others: [] });
  });

  it('RFC 5280 7.1: names that are written in other string types are the same', () => {
    const printable = ({ key }: SampleParty, commonName: string): SampleParty => {
      const attribute = sequence(oid('2.5.4.3'), encodeDer(Tag.printableString, Buffer.from(commonName)));
      return { name: sequence(encodeDer(Tag.set, attribute)), key };
    };
    const items = [
      item(server, printable(secondary, 'secondary')),
      item(secondary, printable(root, 'root'), authority),
      item(root, printable(root, 'root'), authority),
    ];
    const chain = { leaf: 'server', chain: ['secondary', 'root'], others: [] };
    expect(order([keyOf(server), ...items])).toEqual({ key: server.key, ...chain });
    expect(order(items)).toEqual({ key: undefined, ...chain });
    const old = [item(server, printable(secondary, 'secondary')), item(secondary, root)];
    expect(order(old)).toMatchObject({ leaf: 'server', chain: ['secondary'] });
    expect(order([item(server, printable(server, 'server'))])).toMatchObject({ leaf: 'server', chain: [] });
  });

  it('a chain without its root goes as far as the file does', () => {
    expect(order([keyOf(server), serverItem, secondaryItem])).toMatchObject({ chain: ['secondary'] });
    expect(order([keyOf(server), serverItem, rootItem])).toMatchObject({ chain: [], others: ['root'] });
  });

  it('the key decides, not the name: a certificate of another key is no leaf (D01)', () => {
    const other = sampleParty('server');
    expect(order([keyOf(other), serverItem, secondaryItem])).toEqual({
      key: other.key,
      leaf: undefined,
      chain: [],
      others: ['server', 'secondary'],
    });
  });

  it('of two keys, the one that has a certificate', () => {
    expect(order([keyOf(root), keyOf(server), serverItem])).toMatchObject({ key: server.key, leaf: 'server' });
  });

  it('an issuer is one by its signature: an authority of the same name and another key is none', () => {
    const impostor = sampleParty('secondary');
    const items = [item(impostor, root, authority), keyOf(server), serverItem, secondaryItem, rootItem];
    expect(order(items)).toMatchObject({ chain: ['secondary', 'root'], others: ['secondary'] });
    expect(orderedChain(items).chain[0]?.der).toEqual(
      secondaryItem.kind === 'certificate' ? secondaryItem.certificate.der : undefined,
    );
  });

  describe('several certificates of one key', () => {
    const renewed = item(server, secondary, { notAfter: new Date('2028-01-01T00:00:00Z') });
    const leafOf = (items: readonly Content[]) => orderedChain(items).leaf?.notAfter.getUTCFullYear();

    it('the one that ends last', () => {
      for (const items of permutations([keyOf(server), serverItem, renewed])) expect(leafOf(items)).toBe(2028);
    });

    it('the one that the local key id marks', () => {
      const marked = item(server, secondary, {}, Buffer.of(1));
      for (const items of permutations([keyOf(server, Buffer.of(1)), marked, renewed]))
        expect(leafOf(items)).toBe(2027);
    });

    it('a local key id on the certificate of another key means nothing', () => {
      const wrong = item(sampleParty('wrong'), secondary, {}, Buffer.of(1));
      expect(order([keyOf(server, Buffer.of(1)), wrong, serverItem])).toMatchObject({ leaf: 'server' });
    });
  });

  it('copies count once', () => {
    const items = [keyOf(server), serverItem, secondaryItem, rootItem];
    for (const copied of [[...items, ...items], items.flatMap((each) => [each, each])])
      expect(order(copied)).toEqual({ key: server.key, leaf: 'server', chain: ['secondary', 'root'], others: [] });
  });

  it('a root renewed with its key: the one that ends last; cross-signed: the one that ends the chain', () => {
    const renewed = item(root, root, { authority: true, notAfter: new Date('2030-01-01T00:00:00Z') });
    const crossed = item(root, sampleParty('old root'), {
      authority: true,
      notAfter: new Date('2035-01-01T00:00:00Z'),
    });
    const { chain } = orderedChain([keyOf(server), item(server, root), crossed, rootItem, renewed]);
    expect(chain.map(({ notAfter }) => notAfter.getUTCFullYear())).toEqual([2030]);
  });

  it('two authorities that sign each other end the chain', () => {
    const one = sampleParty('one');
    const two = sampleParty('two');
    const items = [keyOf(server), item(server, one), item(one, two, authority), item(two, one, authority)];
    expect(order(items).chain).toEqual(['one', 'two']);
  });

  describe('without a readable key', () => {
    it('the leaf is the one certificate that has issued no other and is no authority', () => {
      for (const items of permutations([serverItem, rootItem, secondaryItem]))
        expect(order(items)).toEqual({ key: undefined, leaf: 'server', chain: ['secondary', 'root'], others: [] });
    });

    it.each([
      ['a trust list', [rootItem, secondaryItem], ['root', 'secondary']],
      ['two servers', [serverItem, item(sampleParty('other'), secondary), rootItem], ['server', 'other', 'root']],
      ['nothing', [], []],
    ])('%s has no leaf', (_, items, others) =>
      expect(order(items)).toEqual({ key: undefined, leaf: undefined, chain: [], others }),
    );
  });
});
