import type { Demand } from '../topology/demands.ts';
import { subjectAlternativeName } from '../x509/extensions.ts';
import { encodeName } from '../x509/name.ts';
import { opensslConfigValue } from '../x509/openssl-config-value.ts';

/**
 * A shell script that makes key, request, authority, certificate and revocation list of one demand with OpenSSL alone
 * (requirements 64-71, 75): what the guides describe, with SHA-256, both usages, the names where verifiers look for
 * them, and an index that is never emptied. Fails with CONTENT_INVALID where subject or names can't be in a certificate.
 */
export function opensslRecipe(demand: Demand): string {
  encodeName(demand.subject);
  subjectAlternativeName(demand.names);
  const key = 'type' in demand.key ? demand.key.type : undefined;
  return `#!/bin/sh
# ${demand.id}: key, request, authority, certificate and revocation list with OpenSSL alone.
# Run it in a folder of its own, whole or step by step:
#   sh recipe.sh                 everything below, in this order
#   sh recipe.sh request         ${key ? 'privatekey.pem and certcsr.pem, for any authority to sign' : 'checks certcsr.pem, which the appliance has made'}
#   sh recipe.sh authority       an authority in ./ca, once; asks for the passphrase of its key
#   sh recipe.sh sign            server.pem, from certcsr.pem (or certcsr.der)
#   sh recipe.sh list            crl.pem: sign it anew before it expires, every day
# CA_PASSPHRASE_FILE names a file with the passphrase where nobody is there to type it.
set -eu
umask 077

in_pass=\${CA_PASSPHRASE_FILE:+-passin file:$CA_PASSPHRASE_FILE}
out_pass=\${CA_PASSPHRASE_FILE:+-passout file:$CA_PASSPHRASE_FILE}

write_request_config() {
  cat > request.cnf <<'CONFIG'
${requestConfig(demand)}CONFIG
}

write_authority_config() {
  cat > ca/openssl.cnf <<'CONFIG'
${authorityConfig(demand)}CONFIG
}

make_request() {
  write_request_config
${key ? `  ${keyCommand(key)}\n  openssl req -new -sha256 -config request.cnf -key privatekey.pem -out certcsr.pem` : '  to_pem'}
  openssl req -in certcsr.pem -noout -verify -text
}

# A request in DER is converted with openssl req: openssl x509 reads certificates alone.
to_pem() {
  if [ -f certcsr.der ] && [ ! -f certcsr.pem ]; then openssl req -in certcsr.der -inform DER -out certcsr.pem -outform PEM; fi
}

make_authority() {
  if [ -f ca/cacert.pem ]; then return; fi
  mkdir -p ca/newcerts ca/private
  : > ca/index.txt
  # A renewal has the subject of the certificate before it: without this line it fails, and emptying index.txt
  # would lose what was revoked.
  echo 'unique_subject = no' > ca/index.txt.attr
  echo 1000 > ca/crlnumber
  write_authority_config
  openssl genrsa -aes256 $out_pass -out ca/private/cakey.pem 4096
  openssl req -new -x509 -sha256 -days 3650 -config ca/openssl.cnf -extensions authority_certificate $in_pass -key ca/private/cakey.pem -out ca/cacert.pem
}

sign_request() {
  to_pem
  write_authority_config
  openssl ca -batch -notext -config ca/openssl.cnf -extensions peer_certificate -md sha256 -days ${demand.lifetimeDays} $in_pass -in certcsr.pem -out server.pem
}

sign_list() {
  openssl ca -config ca/openssl.cnf -gencrl -md sha256 $in_pass -out crl.pem
  openssl verify -x509_strict -CAfile ca/cacert.pem -CRLfile crl.pem -crl_check -purpose sslserver server.pem
${demand.usages.includes('clientAuth') ? '  openssl verify -x509_strict -CAfile ca/cacert.pem -CRLfile crl.pem -crl_check -purpose sslclient server.pem\n' : ''}  cp ca/cacert.pem ca.pem
}

case "\${1:-all}" in
  request) make_request ;;
  authority) make_authority ;;
  sign) sign_request ;;
  list) sign_list ;;
  all) make_request; make_authority; sign_request; sign_list ;;
  *) echo "usage: sh recipe.sh [request|authority|sign|list]" >&2; exit 2 ;;
esac
`;
}

/** The configuration of the request (requirements 18, 22, 64). */
function requestConfig(demand: Demand): string {
  return `[req]
prompt = no
utf8 = yes
string_mask = utf8only
default_md = sha256
distinguished_name = subject
req_extensions = v3_req

[subject]
${subjectLines(demand)}
[v3_req]
extendedKeyUsage = ${demand.usages.join(', ')}
subjectAltName = ${alternativeNames(demand)}
`;
}

/** Nothing of a request is copied: names and usages are those declared, whatever is asked for. */
function authorityConfig(demand: Demand): string {
  return `[ca]
default_ca = authority

[authority]
dir = ./ca
certificate = $dir/cacert.pem
private_key = $dir/private/cakey.pem
database = $dir/index.txt
new_certs_dir = $dir/newcerts
crlnumber = $dir/crlnumber
rand_serial = yes
default_md = sha256
default_crl_days = 7
copy_extensions = none
policy = any_name
crl_extensions = list

[any_name]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = supplied

[req]
prompt = no
utf8 = yes
string_mask = utf8only
default_md = sha256
distinguished_name = authority_subject

[authority_subject]
O = ${opensslConfigValue(demand.subject.organization ?? 'Example')}
CN = UC CA

[authority_certificate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[peer_certificate]
basicConstraints = critical, CA:FALSE
keyUsage = critical, ${keyUsages(demand)}
extendedKeyUsage = ${demand.usages.join(', ')}
subjectAltName = ${alternativeNames(demand)}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[list]
authorityKeyIdentifier = keyid
`;
}

/** RFC 8813 3: EC keys encipher nothing. What the appliance has made is taken for RSA. */
function keyUsages({ key }: Demand): string {
  const isEc = 'type' in key && key.type.startsWith('ec-');
  return isEc ? 'digitalSignature' : 'digitalSignature, keyEncipherment';
}

function keyCommand(type: string): string {
  if (type.startsWith('rsa-')) return `openssl genrsa -out privatekey.pem ${type.slice('rsa-'.length)}`;
  return `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-${type.slice('ec-p'.length)} -out privatekey.pem`;
}

function subjectLines({ subject }: Demand): string {
  const fields = [
    ['C', subject.country],
    ['ST', subject.state],
    ['L', subject.locality],
    ['O', subject.organization],
    ['OU', subject.organizationalUnit],
    ['CN', subject.commonName],
  ] as const;
  return fields
    .map(([name, value]) => (value === undefined ? '' : `${name} = ${opensslConfigValue(value)}\n`))
    .join('');
}

function alternativeNames({ names }: Demand): string {
  return names.map((name) => `DNS:${name}`).join(', ');
}
