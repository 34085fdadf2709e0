import { Secret } from '../secret.ts';
import type { Demand } from '../topology/demands.ts';
import { encodePem } from '../x509/pem.ts';
import type { BundleFile } from './bundle.ts';
import { opensslRecipe } from './recipe.ts';

/** What goes to an authority that signs elsewhere: the request in both forms, and how to have it signed. */
export function requestKit(demand: Demand, request: Buffer): BundleFile[] {
  const file = (name: string, content: Buffer): BundleFile => ({ name, content: new Secret(content), mode: 0o644 });
  return [
    file('README.txt', Buffer.from(readme(demand))),
    file('certcsr.pem', Buffer.from(encodePem('CERTIFICATE REQUEST', request))),
    file('certcsr.der', request),
    file('recipe.sh', Buffer.from(opensslRecipe(demand))),
  ];
}

function readme(demand: Demand): string {
  const isForClients = demand.usages.includes('clientAuth');
  const template = isForClients ? 'Webclientandserver' : 'WebServer';
  return `Request of ${demand.id}, for ${demand.issuer} to sign

Names    ${demand.names.join(', ')}
Subject  ${demand.subject.commonName}
Usages   ${demand.usages.join(', ')}
Digest   SHA-256

The certificate must have all of these names as alternative names (ask a public authority for a multi-SAN
certificate) and these usages in its extended key usage. Compare before you import:
  vcs-pki show certcsr.pem

A. An authority that takes the request by web form or mail
   Give it the text of certcsr.pem.

B. A Microsoft authority, at a command prompt that runs as administrator
   certreq -submit -attrib "CertificateTemplate:${template}" certcsr.pem server.cer
${
  isForClients
    ? `   The template Web Server gives serverAuth alone. If there is no ${template} yet: Server Manager, AD CS,
   Certificate Templates, duplicate Web Server under the name Web client and server (${template}), on the
   tab Extensions add Client Authentication to the Application Policies; then in the authority: New,
   Certificate Template to Issue.
`
    : ''
}   The certificate of the authority: http://SERVER/certsrv, Download a CA certificate, Base 64.

C. An authority with OpenSSL
   recipe.sh has all commands and the configuration: "sh recipe.sh sign" in the folder where "sh recipe.sh authority"
   was run. It copies nothing from the request; names and usages are those above.

When the certificate is there, in whatever form (PEM, DER, p7b):
  vcs-pki import server.cer
`;
}
