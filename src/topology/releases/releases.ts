/** Where the pages of the web interface are (requirements 31, 55, 60). */
export interface Menus {
  readonly serverCertificate: string;
  readonly trustedCa: string;
  readonly crl: string;
  readonly sip: string;
  readonly restart: string;
}

/** What a software release does with certificates. Adding a release is adding a row to `releases`. */
export interface Release {
  readonly name: string;
  /** Requirement 15: stated from X8.1 on; the X7.2 guide is silent. */
  readonly refusesWildcards: boolean;
  /** Requirement 43: what uploading a trusted CA file does to the list that is there. */
  readonly trustListUpload: 'replace' | 'append';
  /** Requirements 25-30 exist from X8.1 on. */
  readonly unifiedCommunications: boolean;
  /** Requirement 1: the Expressway products exist from X8.1 on. */
  readonly expresswayProducts: boolean;
  readonly menus: Menus;
}

const x72: Release = {
  name: 'X7.2',
  refusesWildcards: false,
  trustListUpload: 'replace',
  unifiedCommunications: false,
  expresswayProducts: false,
  menus: {
    serverCertificate: 'Maintenance > Certificate management > Server certificate',
    trustedCa: 'Maintenance > Certificate management > Trusted CA certificate',
    crl: 'Maintenance > Certificate management > CRL management',
    sip: 'VCS configuration > SIP > Configuration',
    restart: 'Maintenance > Restart options',
  },
};

const x81: Release = {
  name: 'X8.1',
  refusesWildcards: true,
  trustListUpload: 'append',
  unifiedCommunications: true,
  expresswayProducts: true,
  menus: {
    serverCertificate: 'Maintenance > Security certificates > Server certificate',
    trustedCa: 'Maintenance > Security certificates > Trusted CA certificate',
    crl: 'Maintenance > Security certificates > CRL management',
    sip: 'Configuration > SIP',
    restart: 'Maintenance > Restart options',
  },
};

export const releaseNames = ['X7.2', 'X8.1'] as const;
export type ReleaseName = (typeof releaseNames)[number];

export const releases: Readonly<Record<ReleaseName, Release>> = { 'X7.2': x72, 'X8.1': x81 };
