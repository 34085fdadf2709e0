import type { Random } from './ports.ts';

/**
 * A serial number of 126 random bits in exactly 16 octets: positive, unguessable, of constant size (RFC 5280 4.1.2.2).
 * The ledger refuses one that it has already (I2).
 */
export function randomSerial(random: Random): bigint {
  const octets = Buffer.from(random.bytes(16));
  octets.writeUInt8((octets.readUInt8(0) & 0x3f) | 0x40, 0);
  return BigInt(`0x${octets.toString('hex')}`);
}

export function serialFromHex(serial: string): bigint {
  return BigInt(`0x${serial}`);
}
