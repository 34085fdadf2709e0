import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedDocuments } from '../../docs/generated.ts';
import { errorCodes } from '../../src/errors.ts';

const root = join(import.meta.dirname, '../..');

describe('documents made from the sources are current (npm run generate)', async () => {
  it.each([...(await generatedDocuments())])('%s', (path, content) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(content);
  });
});

it('every error code of the table is used in the sources, and no other', () => {
  const sources = ['src', 'constructs', 'operator'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'errors.ts')
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  const text = sources.join('\n');
  const unused = Object.keys(errorCodes).filter((code) => !text.includes(`'${code}'`));
  expect(unused).toEqual([]);
});

describe('README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  it('has the two commands on its first screen', () => {
    const screen = readme.split('\n').slice(0, 40).join('\n');
    expect(screen).toContain('npm ci && npm start');
    expect(screen).toContain('npm ci && npm test');
  });
});
