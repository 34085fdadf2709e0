/** A command line that cannot be parsed. Apart from VcsPkiError, so that the entry point stays free of imports that cost time. */
export class UsageError extends Error {
  readonly command: string;

  constructor(command: string, message: string) {
    super(message);
    this.name = 'UsageError';
    this.command = command;
  }
}
