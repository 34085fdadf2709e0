import * as z from 'zod';
import { ownerFromText } from './owner.ts';

/** What versions up to 0.1 wrote into records and lock files: an owner and a key as prefixed text, `generation` for the count of issues. */

const specification = z.looseObject({
  key: z.string().transform((key) => (key.startsWith('request ') ? { request: key.slice(8) } : { type: key })),
});

const record = z.looseObject({
  issuance: z
    .looseObject({ owner: z.string(), generation: z.number(), specification })
    .transform(({ owner, generation: issue, ...rest }) => ({ ...rest, owner: ownerFromText(owner), issue })),
});

const lockFile = z
  .looseObject({
    version: z.literal(1),
    authorities: z.record(z.string(), record),
    certificates: z.record(z.string(), record),
  })
  .transform((lock) => ({ ...lock, version: 2 }));

const pendingRequest = z
  .looseObject({ generation: z.number(), specification })
  .transform(({ generation: issue, ...rest }) => ({ ...rest, issue }));

/** As the present version writes it; what is of no version before stays as it is, for the schema to judge. */
export const fromFormat1 = {
  specification: (value: unknown): unknown => specification.safeParse(value).data ?? value,
  record: (value: unknown): unknown => record.safeParse(value).data ?? value,
  lockFile: (value: unknown): unknown => lockFile.safeParse(value).data ?? value,
  pendingRequest: (value: unknown): unknown => pendingRequest.safeParse(value).data ?? value,
};
