import { describe, expect, it } from 'vitest';
import { parseServer } from './address.ts';

describe('a target that is a server', () => {
  it.each([
    ['expe1.example.com:5061', { host: 'expe1.example.com', port: 5061 }],
    ['EXPE1.Example.com:443', { host: 'expe1.example.com', port: 443 }],
    ['expe1.example.com', { host: 'expe1.example.com', port: undefined }],
    ['expe1:8443', { host: 'expe1', port: 8443 }],
    ['10.0.0.1', { host: '10.0.0.1', port: undefined }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['[2001:DB8::1]:65535', { host: '2001:db8::1', port: 65_535 }],
    ['[::1]', { host: '::1', port: undefined }],
    ['2001:db8::1', { host: '2001:db8::1', port: undefined }],
  ])('%s', (target, server) => {
    expect(parseServer(target)).toEqual(server);
  });

  it.each([
    'expe1',
    '',
    '-connect',
    '-x.example.com:443',
    'expe1.example.com:',
    'expe1.example.com:https',
    'https://expe1.example.com',
    'expe1.example.com:443/path',
    '[10.0.0.1]:443',
    '[::1',
    'ex pe.example.com:443',
    'expe_1.example.com:443',
    'a:b:c',
  ])('%j is none', (target) => {
    expect(parseServer(target)).toBeUndefined();
  });

  it.each(['expe1.example.com:0', 'expe1.example.com:65536', '[::1]:99999999999999999999'])(
    'I10: the port of %s cannot be',
    (target) => {
      expect(() => parseServer(target)).toThrow(expect.objectContaining({ code: 'USAGE', at: target }));
    },
  );
});
