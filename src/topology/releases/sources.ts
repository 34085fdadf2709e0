/** The documents that the facts come from. Cisco's unless another publisher is named. */
export const sources = {
  'guide X7.2': 'VCS Certificate Creation and Use Deployment Guide, X7.2, D14548.07, February 2013',
  'guide X8.1':
    'VCS and Expressway Certificate Creation and Use Deployment Guides, X8.1, D14548.08 and its Expressway edition, December 2013',
  'certificates X15.4': 'Certificate Creation and Use Deployment Guide, X15.4: About This Guide (its change history)',
  'signing requests X15.4':
    'Certificate Creation and Use Deployment Guide, X15.4: Generating a Certificate Signing Request',
  'loading X14.3': 'Certificate Creation and Use Deployment Guide, X12.5 to X14.3: Loading Certificates and Keys',
  'unified communications X15.4':
    'Certificate Creation and Use Deployment Guide, X15.4: Server Certificate Requirements for Unified Communications',
  'administrator X15.4': 'Administrator Guide, X15.4: Unified Communications',
  'cluster X14.0': 'Cluster Creation and Maintenance Deployment Guide, X14.0: FQDNs',
  'cluster appendix': 'Cluster Creation and Maintenance Deployment Guide: DNS and isolated networks',
  'troubleshooting X14.3': 'Certificate Creation and Use Deployment Guide, X14.3: Troubleshooting',
  'ACME X15.0': 'Using ACME on Expressway-E, X14.0.1 and X15.0',
  213872: 'Configure and Troubleshoot Collaboration Edge (MRA) Certificates, document 213872',
  217230: 'What is Expressway Cluster and how it Works, document 217230',
  225476: 'Understand MRA Certificate Requirements and Apache Traffic Server History, document 225476',
  225482: 'Prepare Expressway for Client Auth EKU Sunset, document 225482',
  225693: 'Navigate Client EKU Sunset with Expressway X15.5, document 225693',
  'release notes X14.2.5': 'Expressway Release Notes, X14.2.5',
  'certificates X15.5': 'Certificate Creation and Use Deployment Guide, X15.5: Managing Expressway Certificates',
  FN74362: 'Field Notice FN74362: client authentication in certificates of public authorities',
} as const satisfies Record<string, string>;
export type Source = keyof typeof sources;
