import { VcsPkiError } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { sameName } from '../x509/name.ts';
import type { Issuer } from './issuer.ts';

/**
 * Refuses an authority below `parent` where the certificate of an authority above allows no further one (RFC 5280 4.2.1.9): the
 * number of authorities below it in a path, those with its own name aside, must not exceed its path length. Throws PATH_LENGTH_EXCEEDED.
 * @param at the authority that is to be signed
 */
export function refusePathTooLong(parent: Pick<Issuer, 'certificate' | 'chain' | 'root'>, at: string): void {
  let below = 1;
  for (const certificate of authoritiesFrom(parent)) {
    const allowed = certificate.basicConstraints?.pathLength;
    if (allowed !== undefined && below > allowed) throw exceeded(certificate, allowed, at);
    if (!sameName(certificate.subject, certificate.issuer)) below += 1;
  }
}

/** From `parent` up, as far as is known. */
function authoritiesFrom({ certificate, chain, root }: Parameters<typeof refusePathTooLong>[0]): Certificate[] {
  const known = [certificate, ...chain, ...(root ? [root] : [])];
  return known.filter(({ der }, index) => known.findIndex((other) => other.der.equals(der)) === index);
}

function exceeded({ subject }: Certificate, allowed: number, at: string): VcsPkiError {
  const name = subject.commonName ?? 'an authority above';
  return new VcsPkiError('PATH_LENGTH_EXCEEDED', {
    at,
    value: `${allowed}`,
    message: `the certificate of ${name} has path length ${allowed}: no further authority may be below it`,
    fix: 'make an authority its issuer that allows one more below it, or sign its certificates by that issuer itself',
  });
}
