/**
 * Every code that vcs-pki can fail with, and what it means. Codes are stable: scripts may match on them.
 * docs/errors.md is generated from this table; a test holds the two, and their use in the sources, together.
 */
export const errorCodes = {
  // input
  INPUT_INVALID:
    'A declaration or manifest does not fit its schema; the message names the field, its value and the fix.',
  INPUT_UNREADABLE:
    'A file that was named cannot be read, is neither JSON nor YAML, or is empty where a secret belongs into it.',
  USAGE: 'The command line is wrong.',
  TARGET_UNUSABLE: 'A target is neither a topology nor something that synthesizes one.',
  TARGET_TOO_LARGE: 'A file or folder that is to be checked has more levels, files or bytes than are looked at.',
  SUPPRESSION_REFUSED:
    'A suppression names a rule that does not exist, or one whose findings the appliance itself refuses.',
  LINK_UNKNOWN: 'No TLS link of the topology has that id, or several do.',
  PROBE_FAILED: 'A server cannot be reached, does not answer in time, or presents no certificate.',
  PROBE_UNAVAILABLE: 'A probe needs the openssl program, which is not there or too old.',
  SYNTH_FAILED: 'The program that synthesizes the topology ended with an error.',
  // keys
  KEY_ENCRYPTED: 'A private key or PKCS #12 file is protected by a passphrase and none was given.',
  KEY_PASSPHRASE_WRONG: 'The passphrase given does not open the private key or PKCS #12 file.',
  KEY_DERIVATION_TOO_LONG:
    'A private key or PKCS #12 file asks for more rounds of key derivation than are done for it.',
  KEY_UNREADABLE: 'A private key is not one of the forms and types that are supported.',
  KEY_MISMATCH: 'A certificate or request and the private key kept for it do not belong together.',
  // encodings
  DER_INVALID: 'Bytes are not the strict DER that X.509 demands.',
  CONTENT_UNKNOWN: 'A file or PEM block is empty, too large, or nothing that vcs-pki reads.',
  CONTAINER_UNSUPPORTED: 'A PKCS #12 or PKCS #7 file is made in a way that is not supported.',
  PEM_INVALID: 'A PEM text is truncated, mislabelled or otherwise unreadable.',
  CONTENT_INVALID: 'A name, date, number or extension cannot be written into a certificate, request or CRL.',
  REQUEST_UNREADABLE: 'A certificate request (CSR) is not a PKCS #10 request, or asks for something malformed.',
  REQUEST_SIGNATURE_INVALID: 'A certificate request (CSR) is not signed by the key that it asks a certificate for.',
  // kubernetes
  KUBE_CONFIG_INVALID: 'The kubeconfig, or the service account of the pod, cannot be read or names no API server.',
  KUBE_REFUSED: 'The Kubernetes API server refused a request; the message has the status code and the reason.',
  KUBE_UNREACHABLE: 'The Kubernetes API server cannot be reached, did not answer in time or broke off its answer.',
  OBJECT_TAKEN: 'A Secret, ConfigMap or key file exists already and is not of this certificate or authority.',
  ISSUER_NOT_READY: 'The authority that is to sign does not exist yet, or cannot sign now.',
  // authorities and issuing
  AUTHORITY_MISSING: 'The key or the certificate of an authority is not in the PKI directory.',
  ADOPTION_REFUSED: 'A directory of openssl ca cannot become the authority that is declared.',
  AUTHORITY_CHANGED: 'A declaration asks for another subject, key or issuer than the existing authority has.',
  AUTHORITY_IN_USE: 'An authority is no longer declared while certificates of it are still to be revoked.',
  PATH_LENGTH_EXCEEDED: 'An authority would be below one whose certificate allows no further authority there.',
  ISSUER_EXPIRED: 'The certificate of the issuing authority has expired.',
  KEY_COMPROMISED: 'A key that was revoked for compromise is to be certified again.',
  KEY_REUSED: 'A peer presents the key of an authority.',
  KEY_TYPE_REFUSED: 'A key is of a type or size that is not issued for.',
  KEY_WEAK:
    'An RSA key can be broken: fewer than 2048 bits, an even or small public exponent, or a modulus with a small factor.',
  CERTIFICATE_UNFIT: 'A certificate that was signed elsewhere is not what was asked for.',
  SIGNED_ELSEWHERE:
    'An authority that is not of the topology signs this certificate, and only it can issue or revoke it.',
  REQUEST_IN_PROGRESS: 'A signing request is in progress, and there is only one at a time.',
  REQUEST_INCOMPLETE: 'A request to be signed elsewhere leaves out names or usages that the peer is declared to need.',
  REQUEST_SURPLUS_NAMES: 'A request asks for names that the peer is not declared to have.',
  OWNER_UNKNOWN: 'No certificate or authority of that id is declared.',
  OWNER_TAKEN: 'Another topology that shares the PKI directory has a certificate under the same id.',
  CRL_REFUSED: 'A revocation list would go back in number or time, lose entries or change key, and is not published.',
  REASON_REFUSED: 'A revocation reason cannot be recorded.',
  TRUST_LIST_INVALID: 'A trust list holds something that is no certificate of an authority.',
  PLAN_OUTDATED: 'The declaration is not the one that Terraform planned.',
  PROOF_FAILED: 'A TLS link of the topology would not verify; nothing is issued.',
  RULES_BROKEN: 'A rule of the guides is broken; nothing is issued.',
  // the PKI directory and the lock file
  STORAGE_FAILED: 'A file cannot be read or written: access, space, or a read-only file system.',
  DIRECTORY_LOCKED: 'Another writer holds the PKI directory for longer than one wants to wait.',
  LOCK_LOST: 'Another writer has taken over the PKI directory, and this one writes nothing more.',
  DIRECTORY_TAKEN: 'The PKI directory belongs to another Terraform workspace.',
  LEDGER_CORRUPT: 'A file of the ledger is not what vcs-pki or openssl wrote.',
  LEDGER_CHANGED: 'Another program changed the ledger in the middle of a write.',
  LEDGER_LOST_ENTRIES: 'The ledger lacks certificates that were issued.',
  ENTRY_REFUSED: 'A certificate cannot be put on record in a form that is read back.',
  SERIAL_REUSED: 'A serial number is on record already.',
  SERIAL_UNKNOWN: 'A serial number was never issued by the authority.',
  LOCK_INVALID: 'The lock file cannot be read.',
  LOCK_MISMATCH: 'The lock file belongs to another topology or to other authorities than the PKI directory holds.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** The field, file or object that is wrong, as the user would look for it. */
  readonly at: string;
  /** What is wrong, in one sentence without a final full stop. */
  readonly message: string;
  /** What the user can do about it. */
  readonly fix: string;
  /** The offending value, where showing it helps and it is no secret. */
  readonly value?: string;
  readonly cause?: unknown;
}

/** The one error class of vcs-pki: a stable code for programs; place, value and fix for people. */
export class VcsPkiError extends Error {
  readonly code: ErrorCode;
  readonly at: string;
  readonly fix: string;
  readonly value: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(`${details.at}: ${details.message}`, { cause: details.cause });
    this.name = 'VcsPkiError';
    this.code = code;
    this.at = details.at;
    this.fix = details.fix;
    this.value = details.value;
  }
}
