import { VcsPkiError } from '../errors.ts';
import { printable } from '../verify/diagnosis/printable.ts';
import { exitCodes } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

/** Prints an error as place, message and fix, and gives the exit code that goes with it. */
export function reportError(error: unknown, write: (line: string) => void): number {
  if (error instanceof UsageError) {
    write(`vcs-pki ${error.command}: ${error.message}\n  fix: see vcs-pki ${error.command} --help`);
    return exitCodes.usage.code;
  }
  if (error instanceof VcsPkiError) {
    write(`error ${error.code}: ${error.message}${seen(error)}\n  fix: ${error.fix}`);
    if (error.code === 'USAGE') return exitCodes.usage.code;
    return error.code === 'RULES_BROKEN' || error.code === 'PROOF_FAILED'
      ? exitCodes.refused.code
      : exitCodes.failed.code;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  write(
    `error UNEXPECTED: ${message}\n  fix: this is a fault of vcs-pki; run with VCS_PKI_TRACE=1 for the stack trace and report it`,
  );
  if (process.env.VCS_PKI_TRACE && error instanceof Error) write(error.stack ?? '');
  return exitCodes.failed.code;
}

/** The value that was at fault, where the message does not have it: the begin of its first line, for it may be a file. */
function seen({ value = '', message }: VcsPkiError): string {
  const [first = ''] = value.split(/\r?\n/, 1);
  if (first === '' || words(message).includes(words(first))) return '';
  return `\n  seen: ${printable(first.slice(0, LONGEST_VALUE))}`;
}

const LONGEST_VALUE = 100;

function words(text: string): string {
  return ` ${text.split(/[\s,;:()]+/).join(' ')} `;
}
