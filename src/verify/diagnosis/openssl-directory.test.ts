import { describe, expect, it } from 'vitest';
import { type OpensslDirectoryFiles, readOpensslDirectory } from './openssl-directory.ts';

const read = (files: Partial<OpensslDirectoryFiles>) =>
  readOpensslDirectory({ index: [], newCertificates: [], ...files });

describe('what an authority has issued and forgotten', () => {
  it('is what lies in newcerts without a line', () => {
    const index = [{ serial: '11' }];
    expect(read({ index, newCertificates: ['10.pem', '11.pem', 'README', 'x.pem'] }).forgotten).toEqual(['10']);
  });

  it('is what the index of before had', () => {
    const indexBefore = [{ serial: '1000', revocation: {} }, { serial: '1001' }];
    expect(read({ index: [{ serial: '1001' }], indexBefore }).forgotten).toEqual(['1000']);
  });

  it('is what was counted up between, as the 2 digits and the 4 digits of the guides (69)', () => {
    expect(read({ index: [{ serial: '10' }, { serial: '12' }], serial: '13\n' }).forgotten).toEqual(['11']);
    expect(read({ index: [{ serial: '1000' }], serial: '1003\n' }).forgotten).toEqual(['1001', '1002']);
  });

  it('is nothing where numbers are random, or differ in leading zeros and letters alone', () => {
    const index = [{ serial: '4A6F00112233445566778899AABBCCDD' }, { serial: '5A6F00112233445566778899AABBCCDD' }];
    expect(read({ index, serial: '6A6F00112233445566778899AABBCCDE' }).forgotten).toEqual([]);
    expect(read({ index: [{ serial: '0A' }], newCertificates: ['0a.pem'], serial: 'B' }).forgotten).toEqual([]);
  });

  it('does not fail on files that are not what openssl writes', () => {
    expect(read({ serial: 'no number' }).forgotten).toEqual([]);
    expect(read({ index: [{ serial: '10' }], serial: '01' }).forgotten).toEqual([]);
  });
});

describe('the settings of an authority', () => {
  const config = `
    # a comment
    dir = .
    [ ca ]
    default_ca = CA_mine
    [CA_default]
    default_md = md5
    [ CA_mine ]
    default_md = sha1   # SHA-1
    #copy_extensions = copy
    unique_subject = no
    [ policy ]
    copy_extensions = copyall
  `;

  it('are those of the section that default_ca names', () => {
    expect(read({ config })).toMatchObject({ digest: 'sha1', copyExtensions: undefined, uniqueSubject: false });
  });

  it('index.txt.attr has the last word on unique_subject, which is yes unless told', () => {
    expect(read({ config, attributes: 'unique_subject = yes\n' }).uniqueSubject).toBe(true);
    expect(read({}).uniqueSubject).toBe(true);
  });
});
