import type { Artefact } from '../../verify/diagnosis/artefact.ts';

/** What was found, and what of it could not be looked at, in words. */
export interface Gathered {
  readonly artefacts: readonly Artefact[];
  readonly notChecked: readonly string[];
}

/** A file as it was read. */
export interface ReadFile {
  /** As it is shown. */
  readonly path: string;
  readonly bytes: Buffer;
  /** Access bits. */
  readonly mode: number;
}
