import { createPublicKey } from 'node:crypto';
import { type Issuer, localSigner } from '../../src/authority/issuer.ts';
import { type AuthorityGeneration, ownerText } from '../../src/authority/owner.ts';
import { VcsPkiError } from '../../src/errors.ts';
import {
  authorityOf,
  type CertificateAuthorityResource,
  certificateAuthorityKind,
} from '../../src/resources/certificate-authority.ts';
import { issuedCertificateName } from '../../src/resources/issued-certificate.ts';
import { parseResource } from '../../src/resources/resource.ts';
import { endpointsOf } from '../../src/topology/demands.ts';
import type { AuthorityId } from '../../src/topology/ids.ts';
import type { Certificate } from '../../src/x509/certificate.ts';
import { subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { certificateAuthorities, issuedCertificates } from '../api/resources.ts';
import { KubeApiError } from '../kube/errors.ts';
import { KubeLedger } from '../kube/kube-ledger.ts';
import { type IssueIn, KubeMaterial } from '../kube/kube-material.ts';
import { ownerRecordOf } from '../kube/records.ts';
import { vouchedBy } from '../kube/secret-content.ts';
import { findCondition } from '../runtime/conditions.ts';
import { conditionsOf } from './status.ts';
import type { World } from './world.ts';

/** The generation of an authority that signs: the first, until authorities can be re-keyed. */
export function activeGeneration(authority: string): AuthorityGeneration {
  return { authority: authority as AuthorityId, generation: 1 };
}

export interface OpenIssuer extends Issuer {
  /** What its chain ends in. */
  readonly root: Certificate;
}

/**
 * Where the ledger, the key and the lists of an authority are.
 * @param issueIn what vouches for its Secret
 * @param root of the authority that signed it, if there is one
 */
export function authorityPlace(
  { client, pending }: World,
  namespace: string,
  of: AuthorityGeneration,
  issueIn: IssueIn,
  root: () => Promise<Certificate | undefined> = async () => undefined,
): { ledger: KubeLedger; material: KubeMaterial } {
  // An authority's Secret has a name of its own; this Material is for no other owner.
  const secretName = (owner: string) => owner;
  return {
    ledger: new KubeLedger({ client, namespace, of }),
    material: new KubeMaterial({ client, namespace, secretName, root, pending, issueIn }),
  };
}

/** The authority `name`, able to issue, or why it is not: that matters only when there is something to sign. */
export function openIssuerIfReady(world: World, namespace: string, name: string): Promise<OpenIssuer | VcsPkiError> {
  return openIssuer(world, namespace, name).catch((error: unknown) => {
    if (error instanceof VcsPkiError && !(error instanceof KubeApiError)) return error;
    throw error;
  });
}

/** Fails with ISSUER_NOT_READY unless the authority's own controller has found it in order. */
async function openIssuer(world: World, namespace: string, name: string): Promise<OpenIssuer> {
  const at = `CertificateAuthority ${namespace}/${name}`;
  const object = await world.client.get(certificateAuthorities, { namespace, name });
  if (!object) throw notReady(at, 'does not exist', 'create it, or correct issuerRef');
  const ready = findCondition(conditionsOf(object), 'Ready');
  if (ready?.status !== 'True')
    throw notReady(at, 'is not ready to sign', `its own conditions say why; this goes on by itself`);
  const resource = parseResource(certificateAuthorityKind, object, namespace);
  const owner = activeGeneration(name);
  const serial = resource.status?.serial ?? '';
  const signedBy = activeGeneration(resource.spec.issuerRef?.name ?? name);
  const recordName = issuedCertificateName(signedBy, serial);
  const stored = await world.client.get(issuedCertificates, { namespace, name: recordName });
  const record = stored?.spec.owner === ownerText(owner) ? ownerRecordOf(stored) : undefined;
  const { ledger, material } = authorityPlace(world, namespace, owner, vouchedBy(record ? [record] : []));
  const { key, certificate: kept, chain = [] } = await material.load(owner, 1);
  const root = await material.storedRoot(owner, 1);
  const certificate = record?.certificate;
  const matches = certificate && kept?.der.equals(certificate.der);
  if (!key || !root || !matches || !subjectPublicKeyInfo(createPublicKey(key)).equals(certificate.subjectPublicKeyInfo))
    throw notReady(at, 'has another key or certificate in its Secret than is on record', 'restore the Secret');
  return {
    ...issuerOf(resource, certificate, chain),
    signer: localSigner(key),
    ledger,
    root,
  };
}

/** What an authority with this certificate puts into certificates and hands out with them. @param above the chain above it */
export function issuerOf(
  resource: CertificateAuthorityResource,
  certificate: Certificate,
  above: readonly Certificate[],
): Omit<Issuer, 'signer' | 'ledger'> {
  const authority = authorityOf(resource);
  const of = activeGeneration(authority.id);
  return {
    id: of.authority,
    generation: of.generation,
    certificate,
    chain: authority.issuer === undefined ? [] : [certificate, ...above],
    endpoints: endpointsOf(authority, of.generation),
  };
}

function notReady(at: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('ISSUER_NOT_READY', { at, message, fix });
}
