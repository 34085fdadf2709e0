// A collaboration edge: Expressway-C inside, Expressway-E outside, mobile and remote access between them.
// Change it and run it again: add a peer, remove one, add a domain, and see what the plan says.
import { App, LocalBackend, TerraformStack } from 'cdktf';
import {
  CertificateAuthority,
  Domain,
  Product,
  Release,
  TraversalZone,
  TrustList,
  VcsCluster,
} from 'vcs-pki/constructs';

const app = new App();
const stack = new TerraformStack(app, 'collaboration-edge');
new LocalBackend(stack, { path: '../../../terraform.tfstate' });

const root = new CertificateAuthority(stack, 'RootCa', {
  subject: { commonName: 'Example UC Root CA', organization: 'Example' },
  crl: { everyDays: 30, validDays: 90, baseUrl: 'http://pki.example.com/crl/' },
});
const issuing = new CertificateAuthority(stack, 'IssuingCa', {
  issuer: root,
  subject: { commonName: 'Example UC Issuing CA', organization: 'Example' },
  lifetimeDays: 1825,
  crl: { dailyUpdateUtc: '02:30', baseUrl: 'http://pki.example.com/crl/' },
});

const core = new VcsCluster(stack, 'Core', {
  product: Product.EXPRESSWAY_C,
  release: Release.X8_1,
  clusterName: 'expc.example.com',
  issuer: issuing,
});
core.addPeer('expc1.example.com');
core.addPeer('expc2.example.com');

const edge = new VcsCluster(stack, 'Edge', {
  product: Product.EXPRESSWAY_E,
  release: Release.X8_1,
  clusterName: 'expe.example.com',
  issuer: issuing,
});
edge.addPeer('expe1.example.com');
edge.addPeer('expe2.example.com');

new Domain(stack, 'Example', { name: 'example.com', unifiedCommunications: true, presence: true });
new TraversalZone(stack, 'Uc', { client: core, server: edge, tlsVerify: true, unifiedCommunications: true });
new TrustList(stack, 'Trust', { authorities: [root, issuing], appliesTo: [core, edge] });

app.synth();
