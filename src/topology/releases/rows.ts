import type { Release, ReleaseRow } from './release.ts';

/** What the first release of the table does; every later one changes some of it. */
export const firstRelease = {
  name: 'X7.2',
  wildcards: 'not known to be accepted',
  nameMatching: ['cn-or-san'],
  commonName: 'peer',
  sharedCertificate: 'a listed model',
  alternativeNamesLimit: undefined,
  phoneProfileNames: 'should be FQDNs',
  keys: ['rsa-2048', 'rsa-4096'],
  requestDigests: ['sha1'],
  trustListUpload: 'replace',
  restartFor: [],
  unifiedCommunications: false,
  expresswayProducts: false,
  vcsProducts: 'supported',
  clusterTls: false,
  clusterAddressMapping: false,
  clusterClientAuth: false,
  clientAuthCheck: 'all',
  serverAuthOnlyUpload: 'accepted',
  certificateStores: 'one',
  unifiedCmTrust: 'secure SIP only',
  verifiesUnifiedCm: false,
  unifiedCmEcdsa: false,
  acme: false,
  warnsOfLateExpiry: false,
  wantsBasicConstraints: false,
  menus: {
    serverCertificate: 'Maintenance > Certificate management > Server certificate',
    clientCertificate: undefined,
    trustedCa: 'Maintenance > Certificate management > Trusted CA certificate',
    crl: 'Maintenance > Certificate management > CRL management',
    sip: 'VCS configuration > SIP > Configuration',
    restart: 'Maintenance > Restart options',
  },
} as const satisfies Release;

/** In order. A release without changes is here so that it can be declared; a maintenance release has the facts of the row before it. */
export const laterReleases = [
  {
    name: 'X8.1',
    changes: [
      {
        wildcards: 'refused',
        sharedCertificate: 'possible',
        trustListUpload: 'append',
        restartFor: ['server certificate'],
        unifiedCommunications: true,
        expresswayProducts: true,
        source: ['guide X8.1'],
      },
      { serverAuthOnlyUpload: 'refused', source: [225482] },
      {
        menus: {
          serverCertificate: 'Maintenance > Security certificates > Server certificate',
          clientCertificate: undefined,
          trustedCa: 'Maintenance > Security certificates > Trusted CA certificate',
          crl: 'Maintenance > Security certificates > CRL management',
          sip: 'Configuration > SIP',
          restart: 'Maintenance > Restart options',
        },
        source: ['guide X8.1'],
      },
    ],
  },
  // The changeover to alternative names alone lies between X8.1 and X14.0; neither is certain in between.
  { name: 'X8.2', changes: [{ nameMatching: ['cn-or-san', 'san-only'], source: ['guide X8.1', 'cluster X14.0'] }] },
  { name: 'X8.5', changes: [{ warnsOfLateExpiry: true, source: ['certificates X15.4'] }] },
  {
    name: 'X8.5.1',
    changes: [{ requestDigests: ['sha1', 'sha256'], source: ['certificates X15.4', 'signing requests X15.4'] }],
  },
  { name: 'X8.5.2', changes: [{ alternativeNamesLimit: 999, source: ['certificates X15.4', 213872] }] },
  { name: 'X8.6', changes: [] },
  { name: 'X8.7', changes: [] },
  { name: 'X8.8', changes: [{ clusterTls: true, clusterClientAuth: true, source: ['cluster appendix', 225482] }] },
  { name: 'X8.9', changes: [] },
  { name: 'X8.9.2', changes: [{ clusterAddressMapping: true, source: ['cluster appendix'] }] },
  {
    name: 'X8.10',
    changes: [
      { alternativeNamesLimit: undefined, source: ['certificates X15.4', 213872] },
      { requestDigests: ['sha256'], source: ['certificates X15.4', 'signing requests X15.4'] },
      {
        menus: {
          serverCertificate: 'Maintenance > Security > Server certificate',
          clientCertificate: undefined,
          trustedCa: 'Maintenance > Security > Trusted CA certificate',
          crl: 'Maintenance > Security > CRL management',
          sip: 'Configuration > SIP',
          restart: 'Maintenance > Restart options',
        },
        source: ['loading X14.3'],
      },
    ],
  },
  { name: 'X8.11', changes: [] },
  { name: 'X12.5', changes: [{ vcsProducts: 'maintenance only', acme: true, source: ['ACME X15.0'] }] },
  { name: 'X12.6', changes: [{ phoneProfileNames: 'must be FQDNs', source: ['unified communications X15.4'] }] },
  { name: 'X12.7', changes: [] },
  {
    name: 'X14.0',
    changes: [
      { commonName: 'cluster', source: ['certificates X15.4', 213872] },
      { nameMatching: ['san-only'], source: ['cluster X14.0', 'troubleshooting X14.3'] },
      { sharedCertificate: 'not recommended', source: [213872, 217230, 'cluster X14.0'] },
    ],
  },
  { name: 'X14.0.2', changes: [{ unifiedCmTrust: 'always', source: [225476] }] },
  { name: 'X14.0.8', changes: [{ verifiesUnifiedCm: true, source: [225476, 'release notes X14.2.5'] }] },
  { name: 'X14.2', changes: [{ unifiedCmEcdsa: true, source: [225476] }] },
  {
    name: 'X14.3',
    changes: [
      {
        keys: ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384', 'ec-p521'],
        source: ['certificates X15.4', 'signing requests X15.4'],
      },
    ],
  },
  { name: 'X15.0', changes: [] },
  { name: 'X15.2', changes: [] },
  { name: 'X15.3', changes: [] },
  {
    name: 'X15.4',
    changes: [
      {
        clusterClientAuth: false,
        clientAuthCheck: 'all but Expressway-C',
        serverAuthOnlyUpload: 'Expressway-E after a setting',
        source: [225482, 'FN74362'],
      },
      {
        wantsBasicConstraints: true,
        restartFor: ['server certificate', 'trusted CA'],
        source: ['signing requests X15.4', 'administrator X15.4'],
      },
    ],
  },
  {
    name: 'X15.5',
    changes: [
      {
        certificateStores: 'server and client',
        clientAuthCheck: 'setting',
        serverAuthOnlyUpload: 'accepted',
        menus: {
          serverCertificate: 'Maintenance > Security > Server certificate',
          clientCertificate: 'Maintenance > Security, the page of the client certificate',
          trustedCa: 'Maintenance > Security > Trusted CA certificate',
          crl: 'Maintenance > Security > CRL management',
          sip: 'Configuration > SIP',
          restart: 'Maintenance > Restart options',
        },
        source: [225693, 'certificates X15.5'],
      },
    ],
  },
] as const satisfies readonly ReleaseRow[];
