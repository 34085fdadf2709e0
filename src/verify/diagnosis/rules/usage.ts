import type { Release } from '../../../topology/releases/release.ts';
import type { Severity } from '../../../topology/rules/rule.ts';
import type { Certificate } from '../../../x509/certificate.ts';
import type { KeyPurpose } from '../../../x509/extensions.ts';
import type { Collection } from '../collection.ts';
import type { FoundCertificate } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Since February 2026 the profile that the ACME client of Expressway-E asks for has no clientAuth. */
export const acmeCertificate: EvidenceRule = {
  code: 'ACME_CERTIFICATE',
  title: "A certificate of Let's Encrypt has no clientAuth.",
  holds: [20, 23],
  diagnosis: 'D34',
  severity: 'error',
  releases: 'from X12.5',
  *check(collection) {
    for (const leaf of withoutClientAuth(collection)) {
      if (!isFromLetsEncrypt(leaf)) continue;
      yield {
        at: leaf.at,
        value: leaf.title,
        message:
          "it is from Let's Encrypt and for servers alone: if the ACME scheduler put it there, mutual TLS has ended",
        fix: 'turn the ACME scheduler off; from X15.5 give the client store a certificate of an internal authority',
        severity: gravity(collection.release),
      };
    }
  },
};

/** Requirements 6, 20 and 23: on a single certificate mutual TLS needs both usages. */
export const clientAuthMissing: EvidenceRule = {
  code: 'CLIENT_AUTH_MISSING',
  title: 'A certificate cannot be presented by a TLS client.',
  holds: [6, 20, 23, 24, 63],
  diagnosis: 'D14',
  severity: 'error',
  releases: 'an error from X8.1 to X15.3, whose upload refuses it; else a warning',
  *check(collection) {
    const { release } = collection;
    for (const leaf of withoutClientAuth(collection)) {
      if (isFromLetsEncrypt(leaf)) continue;
      const refused = release?.serverAuthOnlyUpload === 'refused';
      yield {
        at: leaf.at,
        value: usagesOf(leaf),
        message: refused
          ? `${release.name} refuses to load it with unified communications, and zones with TLS verify mode fail with it`
          : 'it lacks clientAuth: zones with TLS verify mode fail where this peer is the client',
        fix: 'have it issued with serverAuth and clientAuth by an authority that does both; or from X15.5 give the client store a certificate of its own',
        severity: gravity(release),
      };
    }
  },
};

/** A certificate for clients alone has a place in the client store of X15.5, and nowhere else. */
export const serverAuthMissing: EvidenceRule = {
  code: 'SERVER_AUTH_MISSING',
  title: 'A certificate cannot be presented by a TLS server.',
  holds: [6, 20],
  diagnosis: 'D14',
  severity: 'error',
  releases: 'all; from X15.5 a warning where there is no server certificate beside it',
  *check(collection) {
    const { release } = collection;
    for (const leaf of collection.leaves) {
      const { extendedKeyUsage } = leaf.certificate;
      if (!extendedKeyUsage || extendedKeyUsage.includes('serverAuth')) continue;
      const client = extendedKeyUsage.includes('clientAuth');
      const oneStore = release?.certificateStores === 'one';
      if (client && !oneStore && hasCompanion(collection, leaf, 'serverAuth')) continue;
      yield {
        at: leaf.at,
        value: usagesOf(leaf),
        message: client
          ? 'it is for clients alone: there is a store for it from X15.5 on, and it can be no server certificate'
          : 'it is for neither TLS servers nor TLS clients',
        fix: 'have it issued with serverAuth, and with clientAuth too where it is the only certificate',
        severity: client && !oneStore ? 'warning' : 'error',
      };
    }
  },
};

/** Requirement 22: what the X7.2 recipe signs says nothing of usages; openssl takes that for any, others do not. */
export const usageNotStated: EvidenceRule = {
  code: 'USAGE_NOT_STATED',
  title: 'A certificate has no extended key usage.',
  holds: [6, 20, 22, 70],
  diagnosis: 'D14',
  severity: 'warning',
  releases: 'all',
  *check({ leaves }) {
    for (const { at, title, certificate } of leaves) {
      if (certificate.extendedKeyUsage) continue;
      yield {
        at,
        value: title,
        message: 'nothing in it says that it is for servers and clients: it lacks serverAuth and clientAuth',
        fix: 'have it issued with both; openssl ca drops what the request asks for unless its configuration gives extensions',
      };
    }
  },
};

function withoutClientAuth(collection: Collection): FoundCertificate[] {
  const { leaves, release, served } = collection;
  return leaves.filter((leaf) => {
    const { extendedKeyUsage = [] } = leaf.certificate;
    if (!extendedKeyUsage.includes('serverAuth') || extendedKeyUsage.includes('clientAuth')) return false;
    if (release?.certificateStores === 'one') return true;
    // What a server presents says nothing of its client store.
    const hidden = release !== undefined && served.some(({ path }) => path === leaf.at);
    return !hidden && !hasCompanion(collection, leaf, 'clientAuth');
  });
}

/** Two stores (X15.5): the certificate of the same peer for the other role lies beside it, and neither replaces the other. */
function hasCompanion({ folders, renewals }: Collection, leaf: FoundCertificate, usage: KeyPurpose): boolean {
  const before = renewals.find(({ newer }) => newer.inPaths === leaf.inPaths)?.older.inPaths;
  const names = namesOf(leaf.certificate);
  const folder = folders.find(({ path }) => path === leaf.folder);
  return (
    folder?.leaves.some(
      ({ certificate, inPaths }) =>
        certificate.extendedKeyUsage?.includes(usage) &&
        inPaths !== before &&
        namesOf(certificate).some((name) => names.includes(name)),
    ) === true
  );
}

function namesOf({ subject, dnsNames }: Certificate): string[] {
  return [subject.commonName ?? '', ...dnsNames].map((name) => name.toLowerCase());
}

function gravity(release: Release | undefined): Severity {
  return release?.serverAuthOnlyUpload === 'refused' ? 'error' : 'warning';
}

function isFromLetsEncrypt({ certificate }: FoundCertificate): boolean {
  return certificate.issuer.attributes.some(({ type, value }) => type === 'O' && value === "Let's Encrypt");
}

function usagesOf({ certificate }: FoundCertificate): string {
  return certificate.extendedKeyUsage?.join(', ') || 'none';
}
