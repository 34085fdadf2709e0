import type { EvidenceCode } from '../../topology/rules/evidence-codes.ts';
import type { RuleFacts } from '../../topology/rules/rule.ts';

/** A message of an appliance, of its REST interface or of openssl, and what is behind it. */
export interface KnownMessage extends Pick<RuleFacts, 'title' | 'holds' | 'diagnosis'> {
  readonly code: EvidenceCode;
  readonly pattern: RegExp;
  readonly means: string;
  readonly fix: string;
}

/** Words that prose has too: a message at the beginning of a line, or behind a colon, a quote, a bracket or "=". */
function said(words: RegExp): RegExp {
  return new RegExp(`(?:^\\s*|[:"=(]\\s*)(?:${words.source})`, 'i');
}

/** Of the messages that a line bears, the first in this order counts: what is special stands before what is general. */
export const knownMessages: readonly KnownMessage[] = [
  // ---- where the place in the line decides ----
  {
    code: 'LOG_UNIFIED_CM_REFUSED',
    title: 'The traffic server of Expressway-C refuses the certificate of Unified CM.',
    holds: [42],
    diagnosis: 'D25',
    pattern: /core server certificate verification failed|^(?=.*\btraffic.?server\b).*certificate verif/i,
    means: 'from X14.0.8 on Expressway-C verifies Unified CM, IM and Presence and Unity on every request',
    fix: 'put the authority of their tomcat certificate, RSA and ECDSA, on the trust list of Expressway-C, and add the nodes by FQDN',
  },
  {
    code: 'LOG_UNIFIED_CM_REFUSES',
    title: 'Unified CM refuses the certificate of Expressway-C.',
    holds: [42],
    diagnosis: 'D25',
    pattern: /^(?=.*\btraffic.?server\b).*\balert (?:certificate unknown|unknown ca|bad certificate)/i,
    means:
      'Unified CM does not trust the chain of Expressway-C, which from X14.0.2 on it must even without secure profiles',
    fix: "load every authority of Expressway-C's chain into tomcat-trust and CallManager-trust, and restart those services",
  },
  {
    code: 'LOG_CRL_CHANNEL',
    title: 'An LDAP or policy server connection finds no revocation list.',
    holds: [54],
    diagnosis: 'D17',
    pattern: /^(?=.*(?:ldap|policy)).*unable to get certificate CRL/i,
    means: 'LDAP reads the lists inside the trusted CA file alone, policy servers those loaded by hand alone',
    fix: 'for LDAP append the lists to the trusted CA file; for policy servers load one PEM file with all lists',
  },
  {
    code: 'LOG_PEER_ADDRESS_IP',
    title: 'A zone expects an IP address where certificates carry names.',
    holds: [61, 62],
    diagnosis: 'D12',
    pattern:
      /IP address mismatch|^(?=.*identity was unacceptable).*(?:Common-name|Peer-address|Subject-name)="?(?:(?:\d{1,3}\.){3}\d|[\da-f]{0,4}:[\da-f:]+)/i,
    means: 'the name that was looked for in the certificate is an IP address',
    fix: 'use the FQDN of the peer as Peer address of the zone',
  },
  {
    code: 'LOG_PHONE_PROFILE',
    title: 'Unified CM refuses a secure registration with 403.',
    holds: [26],
    diagnosis: 'D20',
    pattern: /^(?=.*\b403 forbidden\b)(?=.*\bregist).*(?:\bTLS\b|\bsecure|5061)/i,
    means: "the name of the phone's security profile is not among the alternative names of Expressway-C's certificate",
    fix: 'declare the profile by its FQDN, and have the certificates of Expressway-C issued anew with it',
  },
  {
    code: 'LOG_TRAVERSAL_PASSWORD',
    title: 'A traversal zone fails to authenticate.',
    holds: [],
    diagnosis: 'D35',
    pattern:
      /^(?=.*traversal).*(?:authenticat\w* (?:fail|error|reject)|failed to authenticate|\bunauthori[sz]ed\b|(?:bad|wrong|incorrect|invalid) (?:user ?name|password|credential))|Incorrect authentication credential/i,
    means: 'user name or password of the zone, not a certificate',
    fix: 'compare user name and password of the traversal client with the account on the traversal server',
  },
  // ---- names ----
  {
    code: 'LOG_NAME_MISMATCH',
    title: 'A certificate does not have the name that was looked for.',
    holds: [61],
    diagnosis: 'D11',
    pattern: /identity was unacceptable|[:("]\s*hostname mismatch/i,
    means: 'the Peer address, or the TLS verify subject name, is not among the names of the certificate',
    fix: 'compare the setting with the alternative names of the certificate, letter by letter',
  },
  // ---- trust ----
  {
    code: 'LOG_CHAIN_NOT_TRUSTED',
    title: 'An upload is refused because the authorities of the certificate are not trusted.',
    holds: [42, 49],
    diagnosis: 'D06',
    pattern: /Untrusted CA Certificate Chain/i,
    means: 'the authorities of the certificate are not on the trust list of this very peer',
    fix: 'load the whole chain into the trust list of each peer first, then the server certificate',
  },
  {
    code: 'LOG_UNTRUSTED_PEER',
    title: 'The authority of the other end is not trusted.',
    holds: [3, 42],
    diagnosis: 'D10',
    pattern: said(/self[- ]signed certificate\b/),
    means:
      'the certificate that is called self-signed is the root of the other end, or its certificate itself: it is not on the trust list',
    fix: "add the root of the other end's chain, and its intermediate authorities, to the trust list of who logged this",
  },
  {
    code: 'LOG_ISSUER_UNKNOWN',
    title: 'The issuer of a certificate is not known to the verifier.',
    holds: [42],
    diagnosis: 'D07',
    pattern: /unable to get local issuer certificate/i,
    means: 'an authority between the certificate and a trusted root is neither on the trust list nor sent along',
    fix: 'add the issuer, and every authority above it, to the trust lists of both ends',
  },
  {
    code: 'LOG_ROOT_UNKNOWN',
    title: 'The root above a known authority is missing.',
    holds: [42, 88],
    diagnosis: 'D09',
    pattern: /unable to get issuer certificate/i,
    means: 'an intermediate authority is trusted, and the root above it is not',
    fix: 'add the root to the trust list: it takes both',
  },
  {
    code: 'LOG_CHAIN_NOT_SENT',
    title: 'The other end can build no chain from what it was sent.',
    holds: [42, 49],
    diagnosis: 'D08',
    pattern:
      /unable to verify the first certificate|alert certificate unknown|Description: Certificate Unknown|\bunknown ca\b|alert number 4[68]\b/i,
    means: 'the peer sends its own certificate alone: the chain of it is not on its own trust list',
    fix: "add the whole chain of the peer's own certificate to its own trust list, and restart it",
  },
  // ---- revocation ----
  {
    code: 'LOG_CRL_EXPIRED',
    title: 'A revocation list has expired.',
    holds: [59],
    diagnosis: 'D15',
    pattern: said(/CRL has expired|X509_V_ERR_CRL_HAS_EXPIRED/),
    means: 'every certificate of the authority counts as revoked until a new list is there',
    fix: 'sign and load a new list, and see to it that it happens every day',
  },
  {
    code: 'LOG_CRL_MISSING',
    title: 'There is no revocation list of an authority of the chain.',
    holds: [52],
    diagnosis: 'D16',
    pattern: /unable to get certificate CRL/i,
    means:
      'checking asks for a list of every authority of the chain, the root among them; the test page says so even while checking is off',
    fix: 'load the lists of all authorities of the chain',
  },
  {
    code: 'LOG_CRL_SIGNATURE',
    title: 'A revocation list is signed by another key than that of its authority.',
    holds: [52],
    pattern: /CRL signature failure/i,
    means: 'the list is of an authority of the same name with another key, or damaged',
    fix: 'get the list anew from the authority that is trusted',
  },
  {
    code: 'LOG_REVOKED',
    title: 'A certificate was revoked.',
    holds: [3],
    pattern: said(/(?:\S+ )?alert certificate revoked|certificate revoked/),
    means: 'the certificate of the other end is on the list of its authority',
    fix: 'have a new certificate issued, and load it',
  },
  // ---- what a certificate is like ----
  {
    code: 'LOG_USAGE',
    title: 'A certificate is not for the role in which it is presented.',
    holds: [6, 20, 23],
    diagnosis: 'D14',
    pattern:
      /unsu(?:pported|itable) certificate purpose|alert unsupported certificate|Description: Unsupported Certificate|alert number 43\b/i,
    means:
      'its extended key usage lacks the role: clientAuth for who opens the connection, serverAuth for who is called',
    fix: 'have it issued with both usages, or from X15.5 load a client certificate of its own',
  },
  {
    code: 'LOG_EXPIRED',
    title: 'A certificate has expired.',
    holds: [3],
    pattern: said(/certificate has expired|(?:\S+ )?alert certificate expired/),
    means: 'a certificate of the chain is past its end, or the clock is wrong',
    fix: 'renew the certificate, and check the clock of both ends',
  },
  {
    code: 'LOG_NOT_YET_VALID',
    title: 'A certificate is not valid yet.',
    holds: [3],
    pattern: said(/certificate is not yet valid/),
    means: 'a clock is wrong, or the certificate was issued for later',
    fix: 'check the clock of both ends',
  },
  {
    code: 'LOG_DIGEST_WEAK',
    title: 'A certificate is signed with a digest that is no longer accepted.',
    holds: [],
    diagnosis: 'D30',
    pattern: /digest algorithm too weak|\b(?:ca|ee) md too weak/i,
    means: 'a certificate of the chain is signed with SHA-1 or MD5, as in the printed recipes',
    fix: 'have it issued anew with SHA-256',
  },
  {
    code: 'LOG_KEY_WEAK',
    title: 'A key is too small to be accepted.',
    holds: [41],
    diagnosis: 'D29',
    pattern: /\b(?:ca|ee) (?:certificate )?key too (?:small|weak)/i,
    means: 'a key of the chain has fewer than 2048 bits',
    fix: 'make a key of 4096 bits, and have the certificate issued anew',
  },
  // ---- uploads and files ----
  {
    code: 'LOG_FORMAT_INVALID',
    title: 'A file is not in the form that is expected.',
    holds: [36, 74, 89],
    diagnosis: 'D05',
    pattern: said(
      /Certificate Format Invalid|unable to load (?:certificate|X509|PKCS)|could not (?:read|find) (?:any )?certificate|no start line\b/,
    ),
    means:
      'it is DER, a PFX or PKCS #7, or the command is for another kind of file: a request is read by openssl req, not by openssl x509',
    fix: 'look what the file is with vcs-pki show FILE, and convert it to PEM',
  },
  {
    code: 'LOG_REQUEST_IN_PROGRESS',
    title: 'A signing request is in progress already.',
    holds: [34, 38],
    diagnosis: 'D02',
    pattern:
      /["']Message["']\s*:\s*["']Conflict["']|\bHTTP\/[\d.]+ 409\b|\b409 (?:Client Error: )?Conflict\b|(?:^\s*|[:"=(]\s*)(?:cannot upload a private key while |there is )?(?:an? |the )?(?:certificate )?(?:signing request|CSR) (?:\(CSR\) )?(?:is )?(?:already )?in progress/i,
    means: 'one request at a time: neither a second one nor a private key is taken',
    fix: 'load the certificate for the request that is there; discard it only if none was ordered with it',
  },
  {
    code: 'LOG_KEY_PROTECTED',
    title: 'A private key is protected by a password.',
    holds: [37],
    diagnosis: 'D04',
    pattern: said(
      /bad decrypt\b|bad password read\b|problems getting password|maybe wrong password|enter (?:PEM )?pass ?phrase for|(?:the )?(?:private )?key is (?:encrypted|(?:password[- ])?protected)/,
    ),
    means: 'appliances take keys without a password alone',
    fix: 'openssl pkey -in KEY -out privatekey-plain.pem',
  },
  {
    code: 'LOG_KEY_MISMATCH',
    title: 'Certificate and private key do not belong together.',
    holds: [35],
    diagnosis: 'D01',
    pattern: said(
      /key values mismatch|(?:the )?(?:\S+ )?private key does not match|(?:the )?(?:server )?certificate (?:does not match the private key|and (?:the )?private key do not match)/,
    ),
    means: 'the certificate is for the request of another peer, or for one that was discarded',
    fix: 'give both files to vcs-pki check, with those of the other peers: it says whose is whose',
  },
  {
    code: 'LOG_INDEX_CLASH',
    title: 'openssl ca refuses to sign for a subject that it has signed for.',
    holds: [76],
    diagnosis: 'D36',
    pattern: /TXT_DB error number 2\b|There is already a certificate for/i,
    means:
      'a valid certificate has the same subject. The guides say to empty index.txt, which makes every revoked certificate valid again',
    fix: 'write unique_subject = no into index.txt.attr, and leave index.txt alone',
  },
  // ---- no certificate ----
  {
    code: 'LOG_REMOTE_DISCONNECT',
    title: 'The other end hangs up without an error of TLS.',
    holds: [],
    diagnosis: 'D35',
    pattern: /No SSL error available, probably remote disconnect/i,
    means: 'a firewall that inspects TLS, or the zone is refused for its user name or password',
    fix: 'turn inspection off for this connection, and compare the user names and passwords of the zone',
  },
];
