import { endpointsOf } from '../topology/demands.ts';
import type { Authority } from '../topology/schema.ts';
import { opensslConfigValue } from '../x509/openssl-config-value.ts';

/** Configuration with which `openssl ca` works in the directory of an authority; its extensions are ours (profile.ts), without the traps of the guides. */
export function generatedOpensslConfig(authority: Authority, generation: number): string {
  const { crlUrl: url } = endpointsOf(authority, generation);
  return `# For use in this directory: openssl ca -config openssl.cnf -gencrl -out crl.pem
# vcs-pki goes on afterwards with what openssl wrote. Never empty index.txt: it is the memory of what was revoked.

[ca]
default_ca = authority

[authority]
dir = .
certificate = $dir/cacert.pem
private_key = $dir/private/cakey.pem
database = $dir/index.txt
new_certs_dir = $dir/newcerts
serial = $dir/serial
crlnumber = $dir/crlnumber
unique_subject = no
default_md = sha256
default_days = 365
default_crl_days = ${authority.crl.validDays}
policy = any_name
# Nothing of a request is copied; give names with: -extfile FILE
copy_extensions = none
x509_extensions = peer
crl_extensions = list

[any_name]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = supplied
emailAddress = optional

[peer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
${url === undefined ? '' : distributionPoint(url)}
[list]
authorityKeyIdentifier = keyid
`;
}

/** In sections of its own: a value behind crlDistributionPoints itself would end at the first comma. */
function distributionPoint(url: string): string {
  return `crlDistributionPoints = published_list

[published_list]
fullname = @published_names

[published_names]
URI = ${opensslConfigValue(url)}
`;
}
