const DAY = 24 * 3600 * 1000;

export interface CrlSchedule {
  /** `HH:MM`, UTC. */
  readonly dailyUpdateUtc: string;
  readonly everyDays: number;
}

/** The last moment at or before `now` at which the time of day was `timeOfDay`, UTC. */
export function lastOccurrence(timeOfDay: string, now: Date): Date {
  const [hours = 0, minutes = 0] = timeOfDay.split(':').map(Number);
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), hours, minutes);
  return new Date(today <= now.getTime() ? today : today - DAY);
}

/** When the list after one that was signed at `signedAt` is due. UTC has no daylight saving: days are 24 hours. */
export function nextUpdateDue(schedule: CrlSchedule, signedAt: Date): Date {
  return addDays(lastOccurrence(schedule.dailyUpdateUtc, signedAt), schedule.everyDays);
}

/** Certificates and lists are valid from a little before they are made: the clocks of appliances differ. */
export const BACKDATE_MS = 10 * 60 * 1000;

export function addDays(date: Date, days: number): Date {
  return new Date(date.getTime() + days * DAY);
}
