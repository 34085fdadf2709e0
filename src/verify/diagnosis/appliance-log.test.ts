import { describe, expect, it } from 'vitest';
import { seeded } from '../../../test/support/random.ts';
import { isApplianceLog, parseApplianceLog } from './appliance-log.ts';
import { knownMessages } from './known-messages.ts';

/** The form of the event log, with names and addresses of examples. */
const line =
  '2026-03-02T10:00:00.123+00:00 expe1 tvcs: UTCTime="2026-03-02 10:00:00,123" Module="developer.ssl" Level="ERROR" ' +
  'Event="Inbound TLS Negotiation Error" Service="SIP" Src-ip="10.0.0.1" Src-port="25001" Dst-ip="10.0.0.2" ' +
  'Dst-port="5061" Detail="self signed certificate in certificate chain" Protocol="TLS" Common-name="expc1.example.com"';

describe('a line of the event log', () => {
  it('is taken apart', () => {
    const [event] = parseApplianceLog(`something else\n\n${line}\n`);
    expect(event).toMatchObject({ line: 3, message: { code: 'LOG_UNTRUSTED_PEER', diagnosis: 'D10' } });
    expect(event?.fields.get('detail')).toBe('self signed certificate in certificate chain');
    expect(event?.fields.get('dst-port')).toBe('5061');
    expect(event?.fields.get('utctime')).toBe('2026-03-02 10:00:00,123');
  });

  it.each([
    ['Detail="a \\"quoted\\" word: CRL has expired" Level="1"', 'a "quoted" word: CRL has expired'],
    ['Level=1 Detail="CRL has expired and no end', 'CRL has expired and no end'],
    ['Detail="CRL has expired\\', 'CRL has expired'],
    ['DETAIL=CRL Note="CRL has expired"', 'CRL'],
    ['Not-Detail="x" Detail="CRL has expired"', 'CRL has expired'],
  ])('%s', (text, detail) => {
    expect(parseApplianceLog(text)[0]?.fields.get('detail')).toBe(detail);
  });

  it('has no control characters left that could steer a terminal', () => {
    expect(parseApplianceLog('error:\u001bCRL has expired\u0007\r\n')[0]?.text).toBe('error: CRL has expired  ');
  });
});

describe('which text is a log', () => {
  it.each([line, 'Certificate Format Invalid', '{"Message":"Conflict"}', 'x\ny\nerror: CRL has expired'])(
    '%j is',
    (text) => {
      expect(isApplianceLog(text)).toBe(true);
    },
  );

  it.each([
    '',
    'Do these steps in this order: a certificate is refused by a peer that does not trust its issuer yet.',
    'If a signing request is shown as in progress, the key cannot be uploaded: click Discard CSR first.',
    '# prevent it being used as a test self-signed certificate it is best left out',
    'Unified CM answers a secure registration with 403.',
    'Please check that no CSR in progress is shown before the upload.',
    'If the page says certificate format invalid, convert the file.',
    'A key with bad password read is one that has a password.',
    'Where the private key does not match, ask the other team; the hostname mismatch of last week is mended.',
    'absent: self-signed certificates',
    'It says so when the CRL has expired, or a certificate has expired.',
    'When a list expires, every certificate of its authority counts as revoked.',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  ])('%j is not', (text) => {
    expect(isApplianceLog(text)).toBe(false);
  });
});

describe('hostile text', () => {
  const pieces = [
    'a="',
    '\\',
    '"',
    '=',
    'Detail=',
    ' ',
    '\n',
    '\r',
    '\u0000',
    '\uD800',
    '-',
    'traversal ',
    '403 regist',
    'policy ',
    'CRL has expired',
    'x'.repeat(300),
    'Event="',
    '10.',
    'identity was unacceptable',
    'Common-name="',
    'TLS',
    'ldap ',
  ];

  it('is read without an exception, whatever stands in it', () => {
    const random = seeded(1);
    for (let run = 0; run < 2000; run += 1) {
      const text = Array.from({ length: random(60) }, () => pieces[random(pieces.length)]).join('');
      const events = parseApplianceLog(text);
      expect(events.every((event) => event.text.length <= 4096 && event.line >= 1)).toBe(true);
      if (events.length > 0) expect(isApplianceLog(text)).toBe(true);
    }
  });

  // Each would take hours if a pattern went over its text again and again.
  it.each(pieces)('%j, a million times, comes to an end', (piece) => {
    const events = parseApplianceLog(piece.repeat(1_000_000 / piece.length));
    expect(events.length).toBeLessThanOrEqual(10_000);
  });

  it('is cut where a line is long', () => {
    expect(parseApplianceLog(`CRL has expired${'x'.repeat(9000)}`)[0]?.text).toHaveLength(4096);
  });

  it('keeps a bounded number of events', () => {
    expect(parseApplianceLog('CRL has expired\n'.repeat(20_000))).toHaveLength(10_000);
  });
});

describe('the messages that are known', () => {
  it('have codes of their own and patterns without state', () => {
    const codes = knownMessages.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.every((code) => code.startsWith('LOG_'))).toBe(true);
    expect(knownMessages.filter(({ pattern }) => pattern.global || pattern.sticky)).toEqual([]);
  });
});
