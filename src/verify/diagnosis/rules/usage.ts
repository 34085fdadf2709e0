import { basename, dirname } from 'node:path';
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
  releases: 'from X12.5; from X15.4, which can do without, a warning unless the certificate before it had clientAuth',
  *check(collection) {
    const { release, renewals } = collection;
    for (const leaf of withoutClientAuth(collection)) {
      if (!isFromLetsEncrypt(leaf)) continue;
      const before = renewals.find(({ newer }) => newer.inPaths === leaf.inPaths)?.older.certificate;
      const overwritten = before?.extendedKeyUsage?.includes('clientAuth') === true;
      yield {
        at: leaf.at,
        value: leaf.title,
        message: overwritten
          ? "it is from Let's Encrypt and for servers alone, and the one before it had clientAuth: mutual TLS ends with it"
          : "it is from Let's Encrypt and for servers alone: if the ACME scheduler put it there, mutual TLS has ended",
        fix: 'turn the ACME scheduler off; from X15.5 give the client store a certificate of an internal authority',
        severity: overwritten || !release || release.serverAuthOnlyUpload === 'refused' ? 'error' : 'warning',
      };
    }
  },
};

/** Requirements 6, 20 and 23: on a single certificate mutual TLS needs both usages. */
export const clientAuthMissing: EvidenceRule = {
  code: 'CLIENT_AUTH_MISSING',
  title: 'A certificate cannot be presented by a TLS client, or a request asks for such a one.',
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
    // Elsewhere it may be for the server store alone, or for an Expressway-E.
    if (release?.serverAuthOnlyUpload !== 'refused') return;
    for (const { at, extendedKeyUsage, asked } of collection.identities) {
      if (!asked || !extendedKeyUsage?.includes('serverAuth') || extendedKeyUsage.includes('clientAuth')) continue;
      yield {
        at,
        value: extendedKeyUsage.join(', '),
        message: `it asks for no clientAuth, and ${release.name} has one certificate for both roles`,
        fix: 'make the request anew with extendedKeyUsage = serverAuth, clientAuth',
        severity: 'warning',
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
  title: 'A certificate, or a request, has no extended key usage.',
  holds: [6, 20, 22, 70],
  diagnosis: 'D14',
  severity: 'warning',
  releases: 'all; advice for a request that asks for names',
  *check({ identities }) {
    for (const { at, title, named, extendedKeyUsage, asked } of identities) {
      // Who asks for nothing leaves it all to the authority; who copies what was asked for would find no usages.
      if (extendedKeyUsage || (asked && !named)) continue;
      yield {
        at,
        value: title,
        message: asked
          ? 'it asks for neither serverAuth nor clientAuth: an authority that adds none of its own issues it without'
          : 'nothing in it says that it is for servers and clients: it lacks serverAuth and clientAuth',
        fix: asked
          ? 'make the request anew with extendedKeyUsage = serverAuth, clientAuth, or have its authority add both'
          : 'have it issued with both; openssl ca drops what the request asks for unless its configuration gives extensions',
        severity: asked ? 'advice' : 'warning',
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

/**
 * Two stores (X15.5): the certificate of the same peer for the other role lies beside it, or in a folder beside its own
 * where one of the two is called client.
 */
function hasCompanion({ leaves }: Collection, leaf: FoundCertificate, usage: KeyPurpose): boolean {
  const names = namesOf(leaf.certificate);
  return leaves.some(
    (other) =>
      other.certificate.extendedKeyUsage?.includes(usage) &&
      isBeside(leaf, other) &&
      namesOf(other.certificate).some((name) => names.includes(name)),
  );
}

function isBeside(one: FoundCertificate, other: FoundCertificate): boolean {
  if (one.folder === other.folder) return true;
  return isForClients(one) !== isForClients(other) && dirname(one.folder) === dirname(other.folder);
}

function isForClients({ folder }: FoundCertificate): boolean {
  return /client/i.test(basename(folder));
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
