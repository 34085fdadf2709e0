/** What a process of vcs-pki ends with; docs/cli.md has the same table. */
export const exitCodes = {
  ok: { code: 0, meaning: 'done, or nothing to do' },
  failed: { code: 1, meaning: 'an error, printed with its code and its fix' },
  usage: { code: 2, meaning: 'the command line is wrong' },
  refused: { code: 3, meaning: 'a rule is broken or a TLS link would not verify; nothing was issued' },
  interrupted: { code: 130, meaning: 'stopped by a signal; run again to go on' },
} as const;
