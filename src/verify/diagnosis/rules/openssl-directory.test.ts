import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../../../errors.ts';
import { days, directory, files, found, material, peerCertificate } from '../testing/evidence.ts';

const healthy = {
  index: [{ serial: '10' }],
  newCertificates: ['10.pem'],
  serial: '11\n',
  attributes: 'unique_subject = no\n',
};
const facts = (change: Partial<Parameters<typeof directory>[1]>) =>
  found([directory('demoCA', { ...healthy, ...change })]);

describe('D36, requirement 76: the memory of an authority', () => {
  it('accepts an index with all that was issued', () => {
    expect(facts({})).toEqual([]);
  });

  it('refuses an index that was emptied', () => {
    expect(facts({ index: [] })).toEqual(['INDEX_LOST D36 error demoCA/index.txt']);
    expect(facts({ index: [], newCertificates: [], serialBefore: '10\n' })).toEqual([
      'INDEX_LOST D36 error demoCA/index.txt',
    ]);
  });

  it('accepts a directory that has issued nothing yet', () => {
    expect(facts({ index: [], newCertificates: [], serial: '1000\n' })).toEqual([]);
  });

  it('does not examine the archive of what was issued', async () => {
    const m = material();
    const old = peerCertificate(m.peer, m.issuing, { names: ['*.example.com'], end: days(-1) });
    const artefacts = await files({ 'demoCA/newcerts/10.pem': old });
    expect(found([directory('demoCA', healthy), ...artefacts])).toEqual([]);
    expect(found(artefacts)).not.toEqual([]);
  });

  it('refuses an index that cannot be read', () => {
    const error = new VcsPkiError('LEDGER_CORRUPT', {
      at: 'demoCA/index.txt:3',
      message: 'status X',
      fix: 'restore it',
    });
    expect(found([{ path: 'demoCA/index.txt', kind: 'unreadable', error }])).toEqual([
      'INDEX_DAMAGED D36 error demoCA/index.txt',
    ]);
  });

  it('advises against what makes people empty it', () => {
    expect(facts({ attributes: 'unique_subject = yes\n' })).toEqual([
      'UNIQUE_SUBJECT D36 advice demoCA/index.txt.attr',
    ]);
  });
});

describe('the configuration and the key of an authority', () => {
  it('D30: warns of SHA-1', () => {
    const config = '[ca]\ndefault_ca = CA_default\n[CA_default]\ndefault_md = sha1\n';
    expect(facts({ config })).toEqual(['DEFAULT_MD_WEAK D30 warning demoCA']);
    expect(facts({ config: config.replace('sha1', 'sha256') })).toEqual([]);
  });

  it('requirement 70: advises to give extensions instead of copying them', () => {
    expect(facts({ config: '[CA_default]\ncopy_extensions = copy\n' })).toEqual(['COPY_EXTENSIONS - advice demoCA']);
    expect(facts({ config: '[CA_default]\ncopy_extensions = none\n' })).toEqual([]);
  });

  it('requirement 5: refuses a key that everybody can read', () => {
    expect(facts({ keyMode: 0o644 })).toEqual(['CA_KEY_READABLE - error demoCA']);
    expect(facts({ keyMode: 0o100600 })).toEqual([]);
  });
});
