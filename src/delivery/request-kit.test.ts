import { describe, expect, it } from 'vitest';
import { type Demand, demands } from '../topology/demands.ts';
import type { TopologyInput } from '../topology/schema.ts';
import { parseTopology } from '../topology/topology.ts';
import { opensslRecipe } from './recipe.ts';
import { requestKit } from './request-kit.ts';

const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });

function demandWith(change: object): Demand {
  const input: TopologyInput = {
    name: 'kit',
    authorities: [{ id: 'partner-ca', subject: { commonName: 'Partner CA' } }],
    clusters: [
      {
        id: 'core',
        product: 'expressway-c',
        release: 'X8.1',
        issuer: 'partner-ca',
        clusterName: 'expc.example.com',
        peers: [peer('expc1'), peer('expc2')],
        ...change,
      },
    ],
  };
  const [demand] = demands(parseTopology(input, 'kit'));
  if (!demand) throw new Error('the cluster demands a certificate');
  return demand;
}

const readme = (change: object) =>
  requestKit(demandWith(change), Buffer.from('3000', 'hex'))
    .find(({ name }) => name === 'README.txt')
    ?.content.reveal()
    .toString() ?? '';

describe('what is sent to an authority elsewhere', () => {
  it('requirement 10: offers the three routes: by form, Microsoft, OpenSSL', () => {
    expect(readme({})).toMatch(/\nA\. [\s\S]*certcsr\.pem[\s\S]*\nB\. [\s\S]*certreq[\s\S]*\nC\. [\s\S]*recipe\.sh/);
    const files = requestKit(demandWith({}), Buffer.from('3000', 'hex')).map(({ name }) => name);
    expect(files).toEqual(['README.txt', 'certcsr.pem', 'certcsr.der', 'recipe.sh']);
  });

  it('requirement 69: has it signed where the recipe has made an authority, for it knows no other', () =>
    expect(readme({})).toMatch(/"sh recipe\.sh sign" in the folder where "sh recipe\.sh authority"\s+was run/));

  it('requirements 24, 79 and 81: names the Microsoft template for both usages, and how it is made', () => {
    expect(readme({})).toContain(
      'certreq -submit -attrib "CertificateTemplate:Webclientandserver" certcsr.pem server.cer',
    );
    expect(readme({})).toContain('runs as administrator');
    expect(readme({})).toMatch(/duplicate Web Server[\s\S]*Client Authentication to the Application Policies/);
  });

  it('requirements 24 and 63: for servers alone the template Web Server will do', () => {
    expect(readme({ usages: ['serverAuth'] })).toContain('CertificateTemplate:WebServer"');
    expect(readme({ usages: ['serverAuth'] })).not.toContain('duplicate Web Server');
  });

  it('requirements 23 and 81: for clients alone the template Web Server will not do', () => {
    expect(readme({ usages: ['clientAuth'] })).toContain('CertificateTemplate:Webclientandserver"');
    expect(readme({ usages: ['clientAuth'] })).toContain('duplicate Web Server');
  });

  it('requirements 80 and 82: asks for Base 64, and takes what comes whatever its name', () => {
    expect(readme({})).toContain('Download a CA certificate, Base 64');
    expect(readme({})).toContain('vcs-pki import server.cer');
  });

  it('requirement 90: says how to look at what is sent', () =>
    expect(readme({})).toContain('vcs-pki show certcsr.pem'));
});

describe('the OpenSSL configuration of a request', () => {
  const requestConfig = (demand: Demand) =>
    /request\.cnf <<'CONFIG'\n([\s\S]*?\n)CONFIG\n/.exec(opensslRecipe(demand))?.[1] ?? '';

  it('requirements 17, 18 and 22: one certificate per peer has its FQDN as common name, then peer and cluster', () => {
    const config = requestConfig(demandWith({}));
    expect(config).toContain('\nCN = expc1.example.com\n');
    expect(config).toContain('\nsubjectAltName = DNS:expc1.example.com, DNS:expc.example.com\n');
    expect(config).toContain('\nextendedKeyUsage = serverAuth, clientAuth\n');
    expect(config).toContain('\nreq_extensions = v3_req\n');
  });

  it('requirements 13 and 17: a shared one has the cluster as common name, then the cluster and all peers', () => {
    const config = requestConfig(demandWith({ certificateModel: 'shared' }));
    expect(config).toContain('\nCN = expc.example.com\n');
    expect(config).toContain('\nsubjectAltName = DNS:expc.example.com, DNS:expc1.example.com, DNS:expc2.example.com\n');
  });

  it('escapes what a configuration file would take for its own', () => {
    const config = requestConfig(demandWith({ subject: { organization: 'A $b #c \\d "e"' } }));
    expect(config).toContain('\nO = "A $b #c \\\\d \\"e\\""\n');
  });

  it('takes no name that would be more than one', () => {
    const demand = { ...demandWith({}), names: ['expc1.example.com, DNS:other.example.com'] };
    expect(() => opensslRecipe(demand)).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
  });
});

describe('the recipe', () => {
  const recipe = opensslRecipe(demandWith({}));

  it.each([
    ['SHA-1', /sha1/i],
    ['extensions copied from the request', /copy_extensions = copy/],
    ['an emptied index that was there', /^ {2}: > ca\/index\.txt$(?<!if \[ -f ca\/cacert\.pem \][\s\S]*)/m],
  ])('1P: has no %s', (_, trap) => expect(recipe).not.toMatch(trap));

  it('requirement 72: has an authority of years, not of 30 days', () => expect(recipe).toContain('-days 3650'));

  it('RFC 8813 3: lets RSA keys encipher keys, and EC keys not', () => {
    const usage = (change: object) =>
      /\[peer_certificate\][^[]*\nkeyUsage = (.*)/.exec(opensslRecipe(demandWith(change)))?.[1];
    expect(usage({})).toBe('critical, digitalSignature, keyEncipherment');
    expect(usage({ release: 'X14.3', key: 'ec-p384' })).toBe('critical, digitalSignature');
  });

  it('requirement 71: has a CA key of 4096 bits under a passphrase', () =>
    expect(recipe).toMatch(/openssl genrsa -aes256 .* 4096\n/));
});
