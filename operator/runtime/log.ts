import { VcsPkiError } from '../../src/errors.ts';

/** Port: where the operator tells its administrator something. One line each; no key material, no object bodies (I1). */
export interface Log {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** What went wrong and what to do about it, in one line. */
export function inWords(error: unknown): string {
  if (error instanceof VcsPkiError) return `${error.message}; ${error.fix}`;
  return error instanceof Error ? error.message : String(error);
}
