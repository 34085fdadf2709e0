import type { VcsPkiError } from '../../errors.ts';
import type { Release } from '../../topology/releases/release.ts';
import type { Finding } from '../../topology/rules/rule.ts';
import type { Contents } from '../../x509/contents.ts';
import type { LogEvent } from './appliance-log.ts';
import type { OpensslDirectory } from './openssl-directory.ts';
import type { ServedCertificates } from './served.ts';

/** Something to examine: a file, a directory of `openssl ca`, an excerpt of a log, what a server presented. */
export type Artefact = { readonly path: string } & (
  | { readonly kind: 'file'; readonly contents: Contents }
  /** A file whose form is known to be no use: what is wrong is in the error. */
  | { readonly kind: 'unreadable'; readonly error: VcsPkiError }
  | {
      readonly kind: 'log';
      readonly events: readonly LogEvent[];
      /** Bytes at its end that were not looked at. */
      readonly unread?: number;
    }
  /** The path is that of the folder with index.txt in it; certificates and keys below it are files besides. */
  | { readonly kind: 'openssl directory'; readonly directory: OpensslDirectory }
  | { readonly kind: 'served'; readonly served: ServedCertificates }
);

export interface EvidenceInput {
  /** In the order given; a path has its folder, and files of one folder belong together. */
  readonly artefacts: readonly Artefact[];
  readonly now: Date;
  /** The release that the appliance runs, or is to run; absent: what holds for all of them. */
  readonly release?: Release;
}

export interface Examined {
  /** Errors first; the cause before what follows from it. */
  readonly findings: readonly Finding[];
  /** What could not be checked, and what it would take. */
  readonly notChecked: readonly string[];
}
