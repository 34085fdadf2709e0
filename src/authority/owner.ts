import * as z from 'zod';

/** One key of an authority; the first is generation 1. */
export const authorityGenerationSchema = z.object({
  authority: z.string().brand<'AuthorityId'>(),
  generation: z.int().min(1),
});
export type AuthorityGeneration = z.output<typeof authorityGenerationSchema>;

/** To whom a certificate was issued. */
export const ownerSchema = z.union([
  authorityGenerationSchema,
  z.object({ demand: z.string().min(1).brand<'DemandId'>() }),
]);
export type Owner = z.output<typeof ownerSchema>;

/** How an authority is named among demands. */
export function authorityText(id: string): string {
  return `authority/${id}`;
}

/** The id of the demand, or `authority/<id>` with `/<generation>` from the second on: for people, and as a key of maps. */
export function ownerText(owner: Owner): string {
  if ('demand' in owner) return owner.demand;
  const { authority, generation } = owner;
  return generation === 1 ? authorityText(authority) : `${authorityText(authority)}/${generation}`;
}

/** What `ownerText` wrote. The demand of a cluster named authority ends in a role, which is no number. */
export function ownerFromText(text: string): Owner {
  const { authority, generation = 1 } =
    /^authority\/(?<authority>[^/]+)(\/(?<generation>\d+))?$/.exec(text)?.groups ?? {};
  return ownerSchema.parse(authority === undefined ? { demand: text } : { authority, generation: Number(generation) });
}
