import { describe, expect, it } from 'vitest';
import { authorityCertificate, files, found, material, peerCertificate } from '../testing/evidence.ts';

const m = material();
const server = (serial: bigint) => ({ 'server.pem': peerCertificate(m.peer, m.issuing, { serial }) });

describe('RFC 5280 4.1.2.2: serial numbers', () => {
  it.each([-5n, 0n, 1n << 159n])('warns of %d', async (serial) => {
    expect(found(await files(server(serial)))).toEqual(['SERIAL_NUMBER - warning server.pem']);
  });

  it.each([1n, (1n << 159n) - 1n])('accepts %d', async (serial) => {
    expect(found(await files(server(serial)))).toEqual([]);
  });

  it('leaves roots alone: old ones have the number 0', async () => {
    expect(found(await files({ 'ca.pem': authorityCertificate(m.root, m.root, { serial: 0n }) }))).toEqual([]);
  });
});
