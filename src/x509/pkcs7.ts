import { VcsPkiError } from '../errors.ts';
import { BerReader } from './ber.ts';
import { contextTag, Tag } from './der.ts';
import type { PemBlock } from './pem.ts';

/**
 * The certificates and CRLs of a PKCS #7 or CMS SignedData (RFC 5652 5.1) of at most 1 MiB, in its order: what certsrv
 * writes as .p7b. Signatures in it are not looked at. Fails with CONTAINER_UNSUPPORTED or DER_INVALID.
 */
export function readPkcs7(bytes: Buffer, at: string): Pick<PemBlock, 'label' | 'der'>[] {
  const info = BerReader.open(bytes, at).enter(Tag.sequence, 'the PKCS #7 file');
  const type = info.strict('the content type').oid('the content type');
  if (type !== SIGNED_DATA) throw unsupported(at, `it is PKCS #7 of the type ${type}, which holds no certificates`);
  const data = info.enter(EXPLICIT, 'the content').enter(Tag.sequence, 'the content');
  data.strict('the version');
  data.next(Tag.set, 'the digest algorithms');
  data.next(Tag.sequence, 'the signed content');
  const values: Pick<PemBlock, 'label' | 'der'>[] = [];
  const add = (list: BerReader | undefined, label: string) => {
    while (list?.more) {
      if (values.length === MAX_VALUES) throw unsupported(at, `it has more than ${MAX_VALUES} parts`);
      const { tag, bytes } = list.any(label);
      values.push({ label: tag === Tag.sequence ? label : `${label} of another kind`, der: bytes });
    }
  };
  add(data.enterOptional(contextTag(0, 'constructed'), 'the certificates'), 'CERTIFICATE');
  add(data.enterOptional(contextTag(1, 'constructed'), 'the CRLs'), 'X509 CRL');
  return values;
}

const EXPLICIT = contextTag(0, 'constructed');
const SIGNED_DATA = '1.2.840.113549.1.7.2';
const MAX_VALUES = 10_000;

function unsupported(at: string, message: string): VcsPkiError {
  return new VcsPkiError('CONTAINER_UNSUPPORTED', {
    at,
    message,
    fix: 'download the chain again, as Base 64 (PEM) certificates',
  });
}
