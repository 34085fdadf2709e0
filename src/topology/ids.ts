import type { $brand } from 'zod';

/** The id of an authority, here or elsewhere, unique in a topology. */
export type AuthorityId = string & $brand<'AuthorityId'>;

/** `<cluster>/<peer>/<role>`: the display name of a demand, and its key wherever there is one. */
export type DemandId = string & $brand<'DemandId'>;
