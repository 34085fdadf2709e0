import { certificateKind } from '../../src/resources/certificate.ts';
import { certificateAuthorityKind } from '../../src/resources/certificate-authority.ts';
import { type IssuedCertificateSpec, issuedCertificateKind } from '../../src/resources/issued-certificate.ts';
import { API_GROUP, API_VERSION } from '../../src/resources/resource.ts';
import type { KubeObject, ResourceType } from '../kube/resource.ts';

/** A CertificateAuthority or Certificate whose spec is still to be parsed (`parseResource`). */
export interface DeclaredObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

export interface AuthorityObject extends DeclaredObject {
  readonly spec: { readonly issuerRef?: { readonly name: string } };
}

export interface CertificateObject extends DeclaredObject {
  readonly spec: {
    readonly demandId: string;
    readonly issuerRef: { readonly name: string };
    readonly secretName: string;
  };
}

/** A record of the ledger. Its schema there is the one it was written with. */
export interface IssuedCertificateObject extends KubeObject {
  readonly spec: IssuedCertificateSpec;
}

export const kinds = [certificateAuthorityKind, certificateKind, issuedCertificateKind] as const;

export const certificateAuthorities: ResourceType<AuthorityObject> = typeOf(certificateAuthorityKind);
export const certificates: ResourceType<CertificateObject> = typeOf(certificateKind);
export const issuedCertificates: ResourceType<IssuedCertificateObject> = typeOf(issuedCertificateKind);

function typeOf({ kind, plural }: { readonly kind: string; readonly plural: string }) {
  return { group: API_GROUP, version: API_VERSION, plural, kind, namespaced: true };
}
