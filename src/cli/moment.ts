import { VcsPkiError } from '../errors.ts';

/** A moment as given on the command line or in VCS_PKI_NOW: ISO 8601, with its zone. */
export function parseMoment(value: string, at: string): Date {
  const moment = new Date(value);
  const isWritten = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(value) && !Number.isNaN(moment.getTime());
  // 30 February would be taken for 2 March.
  const day = value.slice(0, 'yyyy-mm-dd'.length);
  if (isWritten && new Date(day).toISOString().startsWith(day)) return moment;
  throw new VcsPkiError('USAGE', {
    at,
    value,
    message: `${value} is no moment`,
    fix: 'write it like 2027-03-02T00:00:00Z',
  });
}
